//! How many calls it takes.

use std::thread;
use std::time::Duration;

use super::{END, Stage};
use crate::watch::begin;

/// For how long calls are counted.
const COUNTED: Duration = Duration::from_secs(10);

impl Stage<'_> {
    /// Counts what is read while nothing happens. Everything is due at the start, so that all who share an
    /// answer of AWS do so from then on.
    pub(super) fn count_reads(&mut self) {
        for controller in std::mem::take(&mut self.controllers) {
            let mut controller = controller;
            controller.signal("TERM");
            if controller.wait_for_end(END).is_none() {
                self.find("does-not-end", format!("after SIGTERM, in {END:?}"));
            }
            let printed = controller.kill();
            self.hear(&printed);
        }
        let polls = self.fleet.sources.iter().map(|it| it.interval);
        let longest = polls.filter(|it| *it != crate::plan::BY_EVENT).max().unwrap_or(0);
        thread::sleep(Duration::from_secs(u64::from(longest) + 1));
        let before = self.aws.counters().journal().len();
        let begun = begin();
        for _ in 0..=usize::from(self.fleet.election) {
            let controller = self.spawn();
            self.controllers.push(controller);
        }
        thread::sleep(COUNTED);
        let journal = self.aws.counters().journal();
        let seconds = begun.elapsed().as_secs_f64();
        // The journal may be full, and then begins later.
        let calls = journal.get(before..).unwrap_or_default();
        for (remote, most) in self.model.reads(seconds) {
            let name = &self.fleet.remotes[remote];
            let arn = format!(":secret:{name}-");
            let names = |it: &String| {
                it == name || it.contains(&arn) || it.ends_with(&format!(":parameter{name}"))
            };
            let is_read =
                |operation: &str| operation.contains(":Get") || operation.contains(":BatchGet");
            // A batch that asks for the same twice has not seen that it is the same.
            let count: usize = calls
                .iter()
                .filter(|it| is_read(&it.operation))
                .map(|it| it.resources.iter().filter(|it| names(it)).count())
                .sum();
            #[expect(clippy::cast_precision_loss, reason = "hundreds")]
            let count = count as f64;
            if count > most {
                let text =
                    format!("{name} is read {count} times in {seconds:.0} s, {most:.0} at most");
                self.find("calls", text);
            }
        }
    }
}
