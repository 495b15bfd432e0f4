//! A check of 300 ms: 200 probes at once share one run, and a client that disconnects does not end it for the others.

use std::time::Duration;

use actix_web::App;
use dockerflow::health_check;
use tokio::{join, net::TcpStream, time::sleep};

use super::on_a_thread;
use crate::heartbeat::{
    counted::{Instance, counts},
    served::Served,
};

#[health_check]
async fn takes_300_ms() {
    let _counted = Instance::begin();
    sleep(Duration::from_millis(300)).await;
}

#[dockerflow::service(checks(takes_300_ms))]
pub(super) fn with_slow() -> App {
    App::new().service(counts)
}

pub(super) fn two_hundred_probes() -> String {
    on_a_thread(async {
        let server = Served::start("slow", &[]);
        let probes = (0..200).map(|_| server.heartbeat());
        let probes = futures_util::future::join_all(probes).await;
        let slowest = probes.iter().map(|probe| probe.took).max().expect("200");
        let well = probes.iter().filter(|probe| probe.status == 200).count();
        let runs = server.count("started").await;
        assert_eq!((well, runs), (200, 1));
        assert!(slowest < Duration::from_millis(700), "{slowest:?}");
        format!("{runs} run, {well} × 200, slowest {slowest:.0?}")
    })
}

pub(super) fn reset() -> String {
    on_a_thread(async {
        let server = Served::start("slow", &[]);
        let mut leader = TcpStream::connect(server.address)
            .await
            .expect("it listens");
        let request = b"GET /__heartbeat__ HTTP/1.1\r\nHost: test\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut leader, request)
            .await
            .expect("it reads");
        let reset = async {
            sleep(Duration::from_millis(100)).await;
            socket2::SockRef::from(&leader)
                .set_linger(Some(Duration::ZERO))
                .expect("a socket");
            drop(leader);
        };
        let follow = async {
            sleep(Duration::from_millis(50)).await;
            server.heartbeat().await
        };
        let ((), follower) = join!(reset, follow);
        let runs = server.count("started").await;
        assert_eq!((follower.status, runs), (200, 1), "{follower:?}");
        format!(
            "{runs} run, the follower has 200 after {:.0?}",
            follower.took
        )
    })
}
