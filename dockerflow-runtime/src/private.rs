//! What generated code uses. Not part of the API: any of it may change in any release.

pub use actix_web::App;
pub use inventory;

/// `version = "path"`, from the folder of the manifest of the crate that has the attribute.
#[doc(hidden)]
#[macro_export]
macro_rules! __file {
    ($path:literal) => {{
        const FILE: $crate::private::EmbeddedFile = $crate::private::EmbeddedFile {
            path: $path,
            text: ::core::include_str!(::core::concat!(
                ::core::env!("CARGO_MANIFEST_DIR"),
                "/",
                $path
            )),
        };
        // for the program's `version` command
        $crate::private::inventory::submit! { FILE }
        FILE
    }};
}

pub use __file as file;

/// Puts a check into the program's registry.
#[doc(hidden)]
#[macro_export]
macro_rules! __register {
    ($definition:path) => {
        $crate::private::inventory::submit! { $crate::private::Registration($definition) }
    };
}

pub use __register as register;

pub use crate::process::HttpService;
pub use crate::{
    health::{Definition, Level, Registration, input},
    service::{AppFactory, Embedded, EmbeddedFile, ServiceDefinition, Version, service},
};
