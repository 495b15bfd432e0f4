struct Pool;

#[dockerflow::health_check]
async fn database(_request: (), _pool: Pool) {}

fn main() {
    drop(database((), Pool));
}
