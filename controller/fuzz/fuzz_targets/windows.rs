//! Any text as a schedule, then a duration, at any time: sync windows of ESO and of restarts.
//!
//! Whatever comes in: nothing panics and nothing takes long, what cannot be read is told once, and
//! what is said to open later does so.

#![no_main]

use extsecret_crds::external_secret::{SyncWindow, SyncWindowKind, SyncWindows};
use extsecret_engine::windows;
use extsecret_restart::window::Window;
use jiff::Timestamp;
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Some((seconds, rest)) = bytes.split_first_chunk::<8>() else { return Corpus::Reject };
    let Ok(text) = std::str::from_utf8(rest) else { return Corpus::Reject };
    let Ok(now) = Timestamp::from_second(i64::from_le_bytes(*seconds)) else {
        return Corpus::Reject;
    };
    for said in text.split('\0') {
        let Ok(window) = Window::parse(said) else { continue };
        assert!(window.opens(now).is_none_or(|at| at > now), "{said} at {now}");
    }
    let mut given = text.split('\0');
    let mut entries = Vec::new();
    while let (Some(schedule), Some(duration)) = (given.next(), given.next()) {
        let (schedule, duration) = (schedule.to_owned(), duration.to_owned());
        entries.push(SyncWindow { schedule, duration, ..SyncWindow::default() });
    }
    for kind in [SyncWindowKind::Allow, SyncWindowKind::Deny] {
        let windows = SyncWindows { kind, windows: entries.clone(), ..SyncWindows::default() };
        let wrong = windows::check(&windows);
        assert!(wrong.len() <= entries.len());
        for (index, error) in &wrong {
            assert!(*index < entries.len() && !error.to_string().is_empty());
        }
        let Some(at) = windows::opens(&windows, now) else { continue };
        assert!(at > now && !windows::allow(&windows, now), "{at} after {now}");
        // What is shorter than its own `@every` never opens; two that deny may overlap.
        if windows.kind == SyncWindowKind::Allow && !text.contains('@') {
            assert!(windows::allow(&windows, at), "{at} after {now}");
        }
    }
    Corpus::Keep
});
