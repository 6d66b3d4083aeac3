//! What the kernel knows of this process, under the names that every Prometheus client has for it.
//!
//! Only Linux tells it in files; elsewhere there is nothing.

use std::fs;
use std::sync::OnceLock;

use super::text::{Text, Type};

/// What the kernel counts time for user space in, wherever Rust runs.
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) fn write(text: &mut Text) {
    if let Some(stat) = fs::read_to_string("/proc/self/stat").ok().and_then(|it| Stat::parse(&it)) {
        let name = "process_cpu_seconds_total";
        text.family(name, Type::Counter, "Processor time, in seconds.");
        text.sample(&[], stat.cpu_seconds);
        text.family("process_threads", Type::Gauge, "Threads.");
        text.sample(&[], stat.threads);
        if let Some(booted) = booted() {
            let name = "process_start_time_seconds";
            text.family(name, Type::Gauge, "When it started, in seconds since 1970.");
            text.sample(&[], booted + stat.started_after_boot);
        }
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(bytes) = resident(&status) {
        let name = "process_resident_memory_bytes";
        text.family(name, Type::Gauge, "Memory that it occupies, in bytes.");
        text.sample(&[], bytes);
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        text.family("process_open_fds", Type::Gauge, "Files and connections that are open.");
        // One of them is for counting them.
        text.sample(&[], files.count().saturating_sub(1));
    }
}

#[derive(Debug, PartialEq)]
struct Stat {
    cpu_seconds: f64,
    threads: u32,
    started_after_boot: f64,
}

impl Stat {
    /// Reads the fields of `proc_pid_stat(5)`.
    fn parse(text: &str) -> Option<Self> {
        // The second one is the name in parentheses, which may hold anything.
        let (_, fields) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        Some(Self {
            cpu_seconds: (field(14)? + field(15)?) / TICKS_PER_SECOND,
            threads: fields.get(20 - 3)?.parse().ok()?,
            started_after_boot: field(22)? / TICKS_PER_SECOND,
        })
    }
}

/// When the machine was started, in seconds since 1970.
fn booted() -> Option<f64> {
    static BOOTED: OnceLock<Option<f64>> = OnceLock::new();
    *BOOTED.get_or_init(|| boot_time(&fs::read_to_string("/proc/stat").ok()?))
}

fn boot_time(stat: &str) -> Option<f64> {
    stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_behind_the_name() {
        let text = "7 (a) b) (c) S 1 7 7 0 -1 4194560 5 0 0 0 150 50 0 0 20 0 4 0 12345 1 2";
        let expected = Stat { cpu_seconds: 2.0, threads: 4, started_after_boot: 123.45 };
        assert_eq!(Stat::parse(text), Some(expected));
        for cut in 0..text.len() - 9 {
            let _ = Stat::parse(&text[..cut]);
        }
        assert_eq!(Stat::parse("7 (a) S 1"), None);
        assert_eq!(boot_time("cpu 1 2\nbtime 1700000000\n"), Some(1.7e9));
        assert_eq!(resident("Name:\tx\nVmRSS:\t    2048 kB\n"), Some(2 << 20));
        assert_eq!(resident("VmRSS:\t2 MB\n"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_told_of() {
        let mut text = Text::default();
        write(&mut text);
        let text = text.into_string();
        let value = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
            let line = line.unwrap_or_else(|| panic!("no {name} in\n{text}"));
            line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()
        };
        assert!(value("process_resident_memory_bytes") > 100_000.0);
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_threads") >= 1.0);
        assert!(value("process_start_time_seconds") > 1.7e9);
        assert!(value("process_cpu_seconds_total") < 1e6);
    }
}
