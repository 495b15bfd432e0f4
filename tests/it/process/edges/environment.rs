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
fn a_host_that_a_shell_has_set_names_itself_and_one_that_nobody_can_reach_is_refused() {
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
    // Those after the first are for many machines, so that no client could connect.
    for host in ["256.0.0.1", "255.255.255.255", "224.0.0.1", "ff02::1"] {
        let output = ends("", &[("HOST", host)]);
        let refusal = format!("HOST is {host:?}, expected an IP address");
        assert_refused(&output, &[&refusal]);
        assert!(!text(&output.stderr).contains("shells"));
    }
    // An abstract socket is no file in the working directory. What has an `@` may be a secret, and is not shown.
    let output = ends("", &[("HOST", "unix:@abstract")]);
    assert_refused(&output, &["HOST: expected an IP address"]);
}
