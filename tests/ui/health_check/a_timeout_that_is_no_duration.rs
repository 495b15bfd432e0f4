#[dockerflow::health_check(timeout = "soon")]
async fn one() {}

#[dockerflow::health_check(timeout = "0ms")]
async fn two() {}

#[dockerflow::health_check(timeout = "5")]
async fn three() {}

#[dockerflow::health_check(timeout = 500)]
async fn four() {}

#[dockerflow::health_check(timeout = "99999999999999999999s")]
async fn five() {}

fn main() {
    drop((one(), two(), three(), four(), five()));
}
