//! Memory, open files, threads and the start of the process, as Linux has them in `/proc`.

use std::{fmt, fs};

use prometheus_client::{encoding::DescriptorEncoder, metrics::MetricType};

use super::scalar::gauge;

/// A tick of `/proc`: Linux gives all programs 100 a second, whatever its own clock does.
const TICKS: f64 = 100.0;

/// The names are those of Prometheus' own client libraries.
pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    if let Some(bytes) = resident_memory() {
        gauge(
            encoder,
            "process_resident_memory_bytes",
            "Resident memory of the process",
            bytes,
        )?;
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        // The directory itself is open while it is counted.
        let count = (files.count() as u64).saturating_sub(1);
        gauge(encoder, "process_open_fds", "Open file descriptors", count)?;
    }
    if let Some(most) = most_files() {
        gauge(
            encoder,
            "process_max_fds",
            "How many file descriptors may be open",
            most,
        )?;
    }
    let Ok(stat) = fs::read_to_string("/proc/self/stat") else {
        return Ok(());
    };
    // The program's name, in parentheses, may hold anything.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .map(|(_, fields)| fields.split_whitespace().collect())
        .unwrap_or_default();
    let number = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse::<f64>().ok())
    };
    if let Some(threads) = fields.get(17).and_then(|field| field.parse().ok()) {
        gauge(
            encoder,
            "process_threads",
            "Threads of the process",
            threads,
        )?;
    }
    if let (Some(user), Some(system)) = (number(11), number(12)) {
        let mut metric = encoder.encode_descriptor(
            "process_cpu_seconds",
            "Time that the process has had processors for, in seconds",
            None,
            MetricType::Counter,
        )?;
        let seconds = (user + system) / TICKS;
        metric.encode_counter::<Vec<(String, String)>, _, u64>(&seconds, None)?;
    }
    if let (Some(ticks), Some(boot)) = (number(19), boot_time()) {
        let mut metric = encoder.encode_descriptor(
            "process_start_time_seconds",
            "When the process started, in seconds since 1970",
            None,
            MetricType::Gauge,
        )?;
        metric.encode_gauge(&(boot + ticks / TICKS))?;
    }
    Ok(())
}

fn resident_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

fn most_files() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn boot_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}
