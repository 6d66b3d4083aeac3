//! What has to be done in the repositories that the KES objects come from.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use extsecret_migrate::handover::{Facts, Manager};

/// Advice for each owner of KES objects, with how many of them it has; empty if nobody applies them.
pub(crate) fn text<'a>(facts: impl Iterator<Item = &'a Facts>) -> String {
    let mut owners: BTreeMap<Manager, usize> = BTreeMap::new();
    for old in facts.filter_map(|facts| facts.old.as_ref()) {
        if let Some(manager) = Manager::of(&old.object) {
            *owners.entry(manager).or_default() += 1;
        }
    }
    let mut text = String::new();
    for (Manager { tool, name, keeps }, count) in &owners {
        let s = if *count == 1 { "" } else { "s" };
        let _ = write!(text, "note: {tool} ({name}) applies {count} KES object{s} of these");
        let manager = Manager { tool: *tool, name: name.clone(), keeps: *keeps };
        let _ = if *keeps {
            writeln!(text, ", and keeps them when they leave its repository")
        } else {
            writeln!(text, " and deletes what leaves its repository:\n  {}", manager.advice())
        };
    }
    text
}
