//! A dependency that goes away and comes back.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use actix_web::{App, web};
use dockerflow::health_check;
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};

use super::{TIMEOUT, TTL, on_a_thread};
use crate::heartbeat::{counted::counts, served::Served};

#[health_check]
async fn depends(address: web::Data<SocketAddr>) -> io::Result<()> {
    TcpStream::connect(**address).await.map(drop)
}

#[dockerflow::service(checks(depends))]
pub(super) fn with_dependency() -> App {
    let address = std::env::var("DEPENDENCY").expect("the test sets it");
    let address: SocketAddr = address.parse().expect("an address");
    App::new().app_data(web::Data::new(address)).service(counts)
}

pub(super) fn killed() -> String {
    on_a_thread(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let server = Served::start("dependent", &[("DEPENDENCY", &address.to_string())]);
        assert_eq!(server.heartbeat().await.status, 200);
        drop(listener);
        let failed = until(&server, 503, TTL + TIMEOUT).await;
        let _listener = TcpListener::bind(address).await.expect("nobody took it");
        let recovered = until(&server, 200, TTL + Duration::from_millis(100)).await;
        server
            .log_with("ERROR dockerflow.heartbeat depends.failed: ")
            .await;
        let log = server
            .log_with("INFO dockerflow.heartbeat the check \"depends\" recovered after")
            .await;
        assert_eq!(
            log.lines()
                .filter(|line| line.contains("check=depends"))
                .count(),
            2,
            "{log}"
        );
        format!(
            "503 after {failed:.0?}, 200 {recovered:.0?} after its return, one line in the log for each"
        )
    })
}

/// How long it takes until a probe is answered so.
async fn until(server: &Served, status: u16, bound: Duration) -> Duration {
    let began = Instant::now();
    while server.heartbeat().await.status != status {
        assert!(began.elapsed() < bound, "no {status} within {bound:?}");
        sleep(Duration::from_millis(20)).await;
    }
    let took = began.elapsed();
    assert!(took < bound, "{took:?}");
    took
}
