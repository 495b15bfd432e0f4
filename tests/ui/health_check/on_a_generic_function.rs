#[dockerflow::health_check]
async fn database<T>() {}

#[dockerflow::health_check]
async fn cache(_: impl actix_web::FromRequest) {}

fn main() {
    drop(database::<()>());
    drop(cache(()));
}
