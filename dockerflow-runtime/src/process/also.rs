//! Another app of the same process, on an address of its own.

use std::fmt;

use actix_http::Request;
use actix_service::IntoServiceFactory;
use actix_web::body::MessageBody;

use super::{
    address::{self, Address},
    http::{self, HttpService, Listening, OtherApp},
    options::ProcessOptions,
    variables,
};
use crate::{
    environment::Environment,
    error::{BadSetting, Error},
    service::Shared,
};

/// An app and the prefix of its variables.
pub(super) struct Also {
    name: String,
    listen: Box<Listen>,
}

type Listen = dyn FnOnce(OtherApp<'_>) -> Result<Listening, Error> + Send;

impl Also {
    pub(super) fn new<F, I, S, B>(name: String, factory: F) -> Self
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request> + 'static,
        S: HttpService<B>,
        B: MessageBody + 'static,
    {
        Self {
            name,
            listen: Box::new(move |app| http::listen_other(factory, app)),
        }
    }

    /// Reads the address of each app.
    pub(super) fn addresses(all: &[Self], environment: &mut Environment<'_>) -> Vec<Address> {
        let addresses = all.iter().enumerate().map(|(index, also)| {
            let name = &also.name;
            let taken = all[..index].iter().any(|earlier| earlier.name == *name);
            if taken || !is_prefix(name) {
                environment.report(BadSetting {
                    name: "Server::also".into(),
                    held: Some(name.clone()),
                    expected: "a name of capital letters, digits and underscores that no other app has, and whose _HOST and _PORT are not variables of dockerflow".into(),
                });
                return Address::Tcp((Address::ANY, 0).into());
            }
            let variable = also.port_variable();
            let port = address::read_port(environment, &variable, None);
            if port.is_none() && !environment.is_bad(&variable) {
                environment.report(BadSetting {
                    name: variable,
                    held: None,
                    expected: "the port of another app of this program, from 0 to 65535".into(),
                });
            }
            Address::read(
                environment,
                &format!("{name}_HOST"),
                Address::ANY,
                port.unwrap_or_default(),
            )
        });
        addresses.collect()
    }

    /// Returns the variable of its port.
    pub(super) fn port_variable(&self) -> String {
        format!("{}_PORT", self.name)
    }

    /// Makes the app listen on its address.
    pub(super) fn listen(
        self,
        address: &Address,
        first: &Shared,
        options: &ProcessOptions,
        workers: usize,
    ) -> Result<Listening, Error> {
        (self.listen)(OtherApp {
            name: &self.name,
            address,
            shared: first.beside(),
            options,
            workers,
        })
    }
}

impl fmt::Debug for Also {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Also").field(&self.name).finish()
    }
}

/// Reports whether the names of variables may begin with it.
fn is_prefix(name: &str) -> bool {
    let letter =
        |letter: u8| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == b'_';
    let spelt =
        name.starts_with(|first: char| first.is_ascii_uppercase()) && name.bytes().all(letter);
    let ours = ["HOST", "PORT"].map(|part| variables::is_ours(&format!("{name}_{part}")));
    spelt && ours == [false; 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_in_capitals_and_gives_no_variable_of_ours() {
        for name in ["INTERNAL", "ADMIN_2", "SHOP"] {
            assert!(is_prefix(name), "{name}");
        }
        for name in [
            "",
            "internal",
            "INTERNAL-2",
            "2",
            "_X",
            "STATSD",
            "DOCKERFLOW_OPS",
            "É",
        ] {
            assert!(!is_prefix(name), "{name}");
        }
    }
}
