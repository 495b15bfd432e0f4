#[dockerflow::health_check(name = database, level = "warning", crate = "dockerflow")]
async fn database() {}

#[dockerflow::health_check(level = fatal)]
async fn cache() {}

#[dockerflow::health_check(name)]
async fn queue() {}

#[dockerflow::health_check(name = "")]
async fn disk() {}

#[dockerflow::health_check(name = "a" timeout = "1s")]
async fn search() {}

fn main() {
    drop((database(), cache(), queue(), disk(), search()));
}
