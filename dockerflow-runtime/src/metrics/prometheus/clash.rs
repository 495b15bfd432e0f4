//! Which names of Prometheus cannot stand beside each other: a family takes its own name and those of its samples.

use super::value::SeriesKind;

/// The families of the process itself, beside those that are measured.
pub(crate) const RESERVED: [(&str, SeriesKind); 11] = [
    ("dockerflow_build_info", SeriesKind::Gauge),
    ("dockerflow_log_dropped", SeriesKind::Counter),
    ("dockerflow_metrics_dropped", SeriesKind::Counter),
    ("dockerflow_metrics_overflow", SeriesKind::Counter),
    ("process_cpu_seconds", SeriesKind::Counter),
    ("process_max_fds", SeriesKind::Gauge),
    ("process_open_fds", SeriesKind::Gauge),
    ("process_resident_memory_bytes", SeriesKind::Gauge),
    ("process_start_time_seconds", SeriesKind::Gauge),
    ("process_threads", SeriesKind::Gauge),
    ("tokio_tasks", SeriesKind::Gauge),
];

/// The endings of the samples of a family of this kind.
fn endings(kind: SeriesKind) -> &'static [&'static str] {
    match kind {
        SeriesKind::Counter => &["_total", "_created"],
        SeriesKind::Gauge => &[],
        SeriesKind::Timer | SeriesKind::Histogram => &["_bucket", "_count", "_sum", "_created"],
    }
}

/// Whether a family of this name and kind takes a name that one of the families takes of which `kind_of` has the kind.
pub(super) fn clashes(
    name: &str,
    kind: SeriesKind,
    kind_of: impl Fn(&str) -> Option<SeriesKind>,
) -> bool {
    let samples = endings(kind).iter().map(|ending| format!("{name}{ending}"));
    samples.chain([name.to_owned()]).any(|taken| {
        let takes = |ending: &str| {
            let family = taken.strip_suffix(ending).unwrap_or_default();
            kind_of(family).is_some_and(|kind| endings(kind).contains(&ending))
        };
        let all = [SeriesKind::Counter, SeriesKind::Timer];
        kind_of(&taken).is_some()
            || all
                .into_iter()
                .flat_map(endings)
                .any(|ending| takes(ending))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_neither_a_family_nor_a_sample_of_another() {
        use SeriesKind::{Counter, Gauge, Histogram, Timer};
        for (known, new, clash) in [
            (("x", Counter), ("x", Gauge), true),
            (("x", Counter), ("x_total", Gauge), true),
            (("x_total", Gauge), ("x", Counter), true),
            (("x", Counter), ("x_seconds", Timer), false),
            (("y", Histogram), ("y_count", Gauge), true),
            (("y_count", Gauge), ("y", Histogram), true),
            (("y_count", Counter), ("y", Histogram), true),
            (("y_total", Gauge), ("y", Histogram), false),
            (("x", Gauge), ("x_total", Gauge), false),
            (("x", Counter), ("x", Histogram), true),
            (("x", Counter), ("y", Counter), false),
            (("x", Counter), ("x_created", Gauge), true),
        ] {
            let kind_of = |name: &str| (name == known.0).then_some(known.1);
            assert_eq!(clashes(new.0, new.1, kind_of), clash, "{known:?} {new:?}");
        }
    }
}
