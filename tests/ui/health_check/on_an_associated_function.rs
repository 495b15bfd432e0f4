struct Pool;

impl Pool {
    /// Documented.
    #[dockerflow::health_check]
    async fn usable() {}

    fn with_a_check_inside() -> impl std::fmt::Debug {
        #[dockerflow::health_check]
        fn inner() {}
        inner()
    }
}

pub unsafe trait Usable {
    #[dockerflow::health_check(level = warning)]
    fn also() {}
}

fn main() {
    drop(Pool::usable());
    Pool::with_a_check_inside();
}
