//! Prints the facts of its build.

mod __private {
    pub struct Version {
        pub facts: [&'static str; 4],
    }

    impl Version {
        pub const fn new(
            source: &'static str,
            version: &'static str,
            commit: &'static str,
            build: &'static str,
        ) -> Self {
            Self { facts: [source, version, commit, build] }
        }
    }
}

const VERSION: __private::Version = dockerflow_macros::version!(crate = crate);

fn main() {
    for fact in VERSION.facts {
        println!("{fact}");
    }
}
