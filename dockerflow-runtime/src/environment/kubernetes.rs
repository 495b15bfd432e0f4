//! Which variables has Kubernetes made of the name of a Service? `enableServiceLinks` is on by default.

use std::net::IpAddr;

/// Returns whether Kubernetes, or Docker's `--link`, has set the variable to announce another service:
/// `STATSD_PORT=tcp://10.0.0.5:8125`.
pub(crate) fn is_service_link(name: &str, held: &str) -> bool {
    let mut schemes = ["tcp://", "udp://", "sctp://"].iter();
    name.ends_with("_PORT") && schemes.any(|scheme| held.starts_with(scheme))
}

/// Returns whether Kubernetes has made the variable for a Service: a link, or another such as
/// `STATSD_SERVICE_HOST=10.0.0.5` and `STATSD_PORT_8125_UDP_ADDR=10.0.0.5`.
pub(crate) fn is_of_service(name: &str, held: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_host = name.ends_with("_SERVICE_HOST") && held.parse::<IpAddr>().is_ok();
    let is_port =
        (name.ends_with("_SERVICE_PORT") || name.contains("_SERVICE_PORT_")) && number(held);
    // _PORT_80_TCP, and the same with _PROTO, _PORT, _ADDR
    let is_of_port = name.rsplit_once("_PORT_").is_some_and(|(_, after)| {
        let mut protocols = ["_TCP", "_UDP", "_SCTP"].iter();
        after.split('_').next().is_some_and(number)
            && protocols.any(|protocol| after.contains(protocol))
    });
    is_host || is_port || is_of_port || is_service_link(name, held)
}

/// Returns the warning that a variable of a Service is ignored.
pub(crate) fn service_link_warning(name: &str) -> String {
    format!(
        "{name} is ignored: it is Kubernetes' link to a Service of that name; \
         `enableServiceLinks: false` in the pod's spec avoids such variables"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_makes_of_a_service_is_known_by_name_and_value() {
        for (name, text) in [
            ("REDIS_PORT", "tcp://10.0.0.5:6379"),
            ("REDIS_SERVICE_HOST", "10.0.0.5"),
            ("REDIS_SERVICE_PORT", "6379"),
            ("REDIS_SERVICE_PORT_HTTP_API", "6379"),
            ("REDIS_PORT_6379_TCP", "tcp://10.0.0.5:6379"),
            ("REDIS_PORT_6379_TCP_PROTO", "tcp"),
            ("REDIS_PORT_6379_TCP_PORT", "6379"),
            ("REDIS_PORT_6379_TCP_ADDR", "10.0.0.5"),
            // of a Service that is called `redis-service`
            ("REDIS_SERVICE_PORT", "tcp://10.0.0.5:6379"),
            ("REDIS_SERVICE_PORT_6379_TCP", "tcp://10.0.0.5:6379"),
            ("REDIS_SERVICE_PORT_6379_TCP_PROTO", "tcp"),
            ("REDIS_SERVICE_PORT_6379_TCP_ADDR", "10.0.0.5"),
            ("REDIS_SERVICE_SERVICE_HOST", "10.0.0.5"),
        ] {
            assert!(is_of_service(name, text), "{name}");
        }
        for (name, text) in [
            ("REDIS_PORT", "6379"),
            ("PORT", "tcp://10.0.0.5:6379"),
            ("REDIS_URL", "tcp://10.0.0.5:6379"),
            ("REDIS_SERVICE_HOST", "redis"),
            ("REDIS_PORT_RANGE", "1-2"),
        ] {
            assert!(!is_of_service(name, text), "{name}");
        }
    }
}
