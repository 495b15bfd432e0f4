//! Generated code in a crate that forbids lints, shadows names and renames the facade.

/// Under another name, as a company's framework re-exports it.
mod framework {
    pub(crate) use dockerflow as df;
}

#[forbid(unsafe_code)]
#[deny(
    warnings,
    missing_docs,
    unreachable_pub,
    rust_2018_idioms,
    unused_qualifications,
    clippy::all,
    clippy::pedantic
)]
mod strict {
    use actix_web::{App, web};

    /// A check.
    ///
    /// # Errors
    ///
    /// Never.
    #[dockerflow::health_check(name = "strict", level = warning, timeout = "1s")]
    pub(crate) async fn check(_state: web::Data<()>) -> Result<(), String> {
        Ok(())
    }

    /// A plain check.
    #[dockerflow::health_check(name = "strict and plain")]
    pub(crate) fn plain(state: web::Data<()>) -> Option<dockerflow::Message> {
        let () = state.get_ref();
        None
    }

    /// A service.
    #[dockerflow::service(checks(check, plain))]
    pub(crate) fn app() -> App {
        App::new().app_data(web::Data::new(()))
    }
}

mod hostile {
    #![no_implicit_prelude]
    #![allow(
        dead_code,
        unused_macros,
        non_camel_case_types,
        reason = "they only stand in the way"
    )]

    mod std {}
    mod core {}
    mod actix_web {}
    mod inventory {}
    struct Option;
    struct Result;
    struct Some;
    struct None;
    struct Box;
    struct String;
    struct Definition;
    struct str;
    macro_rules! include_str {
        () => {};
    }
    macro_rules! concat {
        () => {};
    }
    macro_rules! env {
        () => {};
    }
    macro_rules! file {
        () => {};
    }
    macro_rules! line {
        () => {};
    }
    macro_rules! version {
        () => {};
    }

    #[::dockerflow::health_check(name = "hostile", level = warning, timeout = "1s")]
    pub(super) async fn check() -> ::std::result::Result<(), ::std::string::String> {
        ::std::result::Result::Ok(())
    }

    #[::dockerflow::service(checks(check))]
    pub(super) fn app() -> ::actix_web::App {
        ::actix_web::App::new()
    }

    #[::dockerflow::service(checks(), version = "tests/it/version.json")]
    pub(super) fn with_file() -> ::actix_web::App {
        ::actix_web::App::new()
    }
}

mod renamed {
    use actix_web::App;

    #[super::framework::df::health_check(name = "renamed", crate = crate::hygiene::framework::df)]
    pub(super) async fn check() {}

    #[super::framework::df::service(checks(check), crate = crate::hygiene::framework::df)]
    pub(super) fn app() -> App {
        App::new()
    }
}

#[test]
fn services_in_strict_hostile_and_renaming_modules_start() {
    drop((
        strict::app(),
        hostile::app(),
        hostile::with_file(),
        renamed::app(),
    ));
    let _ = framework::df::version!(crate = framework::df);
}
