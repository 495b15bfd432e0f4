//! A dependency whose first connection takes 2.5 s.

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::{Duration, Instant},
};

use actix_web::App;
use dockerflow::health_check;
use tokio::time::sleep;

use super::{TTL, on_a_thread};
use crate::heartbeat::{
    counted::{Instance, counts},
    served::Served,
};

#[health_check]
async fn is_cold_first() {
    static WARM: AtomicBool = AtomicBool::new(false);
    let _counted = Instance::begin();
    if !WARM.load(SeqCst) {
        sleep(Duration::from_millis(2500)).await;
        WARM.store(true, SeqCst);
    }
}

#[dockerflow::service(checks(is_cold_first))]
pub(super) fn with_cold() -> App {
    App::new().service(counts)
}

pub(super) fn cold() -> String {
    on_a_thread(async {
        let server = Served::start("cold", &[]);
        let began = Instant::now();
        let mut failures = 0;
        while server.heartbeat().await.status == 503 {
            failures += 1;
            assert!(began.elapsed() < Duration::from_secs(5));
            sleep(Duration::from_millis(100)).await;
        }
        let warm = began.elapsed();
        sleep(TTL).await;
        assert_eq!(server.heartbeat().await.status, 200);
        let most = server.count("most").await;
        assert!(failures > 0);
        assert_eq!(most, 1);
        format!("{failures} × 503, then 200 after {warm:.1?} by itself, {most} at once at most")
    })
}
