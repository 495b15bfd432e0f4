//! Where the servers of a process listen: the app's, with the address for operations, and those of the other apps.

use std::net::SocketAddr;

use actix_http::Request;
use actix_service::IntoServiceFactory;
use actix_web::{HttpServer, body::MessageBody};

use super::{
    address::{self, Address},
    also::Also,
    announce::Announced,
    http::{self, HttpService, Listening},
    options::ProcessOptions,
    unix_sockets,
};
use crate::{
    environment::Environment,
    error::{BadSetting, Error},
    service::{Shared, TARGET},
};

/// What the listeners are made from.
#[derive(Clone, Copy)]
pub(super) struct Plan<'a> {
    pub(super) options: &'a ProcessOptions,
    /// The first app's state.
    pub(super) shared: &'a Shared,
    /// The program's own defaults for variables.
    pub(super) defaults: &'a [(String, String)],
}

/// Binds all servers.
pub(super) fn listen<F, I, S, B>(
    http: HttpServer<F, I, S, B>,
    also: Vec<Also>,
    plan: Plan<'_>,
) -> Result<Vec<Listening>, Error>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request> + 'static,
    S: HttpService<B>,
    B: MessageBody + 'static,
{
    let bound = Bound {
        by_hand: !http.addrs().is_empty(),
        by_hand_to_a_socket: !unix_sockets::among(&http.addrs_with_scheme()).is_empty(),
    };
    let addresses = addresses(&also, bound, plan)?;
    let workers = plan.options.workers(1 + also.len())?;
    let (first, ops) = listen_first(http, plan)?;
    let mut all = vec![first];
    for (also, address) in also.into_iter().zip(&addresses) {
        let other = also.listen(address, plan.shared, plan.options, workers)?;
        if let Some(ops) = ops {
            // What is for operations alone is not public on this address, either.
            other.shared.set_ops(ops);
        }
        all.push(other);
    }
    Ok(all)
}

/// What the program itself has bound.
#[derive(Clone, Copy)]
struct Bound {
    /// Whether it has bound any address.
    by_hand: bool,
    /// Whether one of them is a Unix socket.
    by_hand_to_a_socket: bool,
}

/// Returns the addresses of the other apps. It reports every address that cannot be used.
fn addresses(also: &[Also], bound: Bound, plan: Plan<'_>) -> Result<Vec<Address>, Error> {
    let ProcessOptions { address, ops, .. } = plan.options;
    let mut environment = Environment::of_process().with_defaults(plan.defaults);
    let addresses = Also::addresses(also, &mut environment);
    if let Some(path) = address.unix().filter(|_| bound.by_hand) {
        environment.report(BadSetting {
            name: "HOST".into(),
            held: Some(format!("unix:{}", path.display())),
            expected: "an IP address: this program binds its server itself".into(),
        });
    }
    let mut taken = Vec::new();
    if !bound.by_hand {
        taken.push(("PORT".to_owned(), address.clone()));
    }
    if let Some(ops) = ops {
        taken.push(("DOCKERFLOW_OPS_PORT".to_owned(), ops.clone()));
    }
    let others = also.iter().map(Also::port_variable);
    taken.extend(others.zip(addresses.iter().cloned()));
    for bad in address::conflicts(&taken, bound.by_hand_to_a_socket) {
        environment.report(bad);
    }
    for warning in environment.warnings() {
        log::warn!(target: TARGET, "{warning}");
    }
    environment.finish(addresses)
}

/// Binds the first app's address and, if there is one, the address for operations, which it returns.
fn listen_first<F, I, S, B>(
    http: HttpServer<F, I, S, B>,
    plan: Plan<'_>,
) -> Result<(Listening, Option<SocketAddr>), Error>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request> + 'static,
    S: HttpService<B>,
    B: MessageBody + 'static,
{
    let ProcessOptions { address, ops, .. } = plan.options;
    let mut http = if http.addrs().is_empty() {
        http::bind(http, address, "PORT")?
    } else {
        http
    };
    let mut announced = Announced {
        addresses: unix_sockets::announced(&http.addrs_with_scheme()),
        listeners: 0,
        port_was_chosen: address.has_no_port(),
    };
    let mut ops_bound = None;
    if let Some(ops) = ops {
        http = http::bind(http, ops, "DOCKERFLOW_OPS_PORT")?;
        ops_bound = http.addrs().last().copied();
        if let Some(bound) = ops_bound {
            plan.shared.set_ops(bound);
            let text = format!("http://{bound} (DOCKERFLOW_OPS)");
            announced.addresses.push(text);
        }
        announced.port_was_chosen |= ops.has_no_port();
    }
    announced.listeners = http.addrs().len();
    let first = Listening {
        server: http.run(),
        shared: plan.shared.clone(),
        socket: address.unix().map(Into::into),
        announced,
    };
    Ok((first, ops_bound))
}
