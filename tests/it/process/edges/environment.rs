//! Variables that others set: service links, misspelt names, a shell's HOST.

use super::{assert_refused, ends, start};
use crate::support::text;

#[test]
fn links_to_services_of_kubernetes_are_ignored_with_a_warning() {
    let serving = start(
        "",
        &[
            ("STATSD_PORT", "tcp://10.0.0.5:8125"),
            ("DOCKERFLOW_OPS_PORT", "udp://10.0.0.6:80"),
            ("DOCKERFLOW_DEMO_SERVICE_HOST", "10.0.0.7"),
            ("DOCKERFLOW_DEMO_PORT_80_TCP_ADDR", "10.0.0.7"),
        ],
    );
    for name in ["DOCKERFLOW_OPS_PORT", "STATSD_PORT"] {
        let line = serving.line("is ignored");
        assert!(
            line.contains(name) && line.contains("enableServiceLinks"),
            "{line}"
        );
    }
    assert!(!serving.line("listening on http").contains("10.0.0"));
    assert_eq!(serving.get("/").status, 200);
}

#[test]
fn a_misspelt_variable_is_a_warning_with_the_nearest_name() {
    let serving = start("", &[("DOCKERFLOW_SHUTDOWN_TIMOUT", "5s")]);
    serving.line(
        "unknown variable DOCKERFLOW_SHUTDOWN_TIMOUT: did you mean DOCKERFLOW_SHUTDOWN_TIMEOUT?",
    );
}

#[test]
fn a_host_that_a_shell_has_set_names_itself() {
    for host in ["x86_64-conda-linux-gnu", "laptop", "laptop.local"] {
        let output = ends("", &[("HOST", host)]);
        assert_refused(
            &output,
            &[
                &format!("HOST is {host:?}"),
                "an IP address",
                "some shells set HOST",
            ],
        );
    }
    let output = ends("", &[("HOST", "256.0.0.1")]);
    assert_refused(&output, &["HOST is \"256.0.0.1\", expected an IP address"]);
    assert!(!text(&output.stderr).contains("shells"));
}
