struct Pool;

impl Pool {
    #[dockerflow::health_check]
    async fn usable(&self) {}
}

fn main() {
    drop(Pool.usable());
}
