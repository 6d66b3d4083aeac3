//! Documents say what is so: parts that are made of something else are fresh, links lead somewhere, and
//! flags that are written of exist. That commands run as they are written, `guides` says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use extsecret_dist::docs::{self, Programs};
use extsecret_tests::controller::PROGRAM;
use extsecret_tests::{plugin, tools};
use regex::Regex;

fn root() -> &'static Path {
    tools::crate_dir().parent().unwrap()
}

/// All Markdown files that git knows; where this is no clone, those that are known here.
fn markdown() -> Vec<PathBuf> {
    let listed = Command::new("git").args(["ls-files", "*.md"]).current_dir(root()).output();
    let listed = listed.ok().filter(|it| it.status.success()).map(|it| it.stdout);
    let listed = String::from_utf8(listed.unwrap_or_default()).unwrap();
    let mut files: Vec<PathBuf> = listed.lines().map(PathBuf::from).collect();
    if files.is_empty() {
        files =
            ["README.md", "controller/README.md", "plugin/MIGRATION.md"].map(PathBuf::from).into();
    }
    files.retain(|file| root().join(file).is_file());
    files
}

#[test]
fn made_parts_are_fresh() {
    let programs = Programs { plugin: plugin::kubectl_extsecret(), controller: PROGRAM.path() };
    let mut stale = docs::documents(root(), &programs).unwrap();
    assert_eq!(stale.len(), 3);
    stale.retain(|document| !document.is_fresh());
    let stale: Vec<_> = stale.iter().map(|document| &document.path).collect();
    assert!(
        stale.is_empty(),
        "run `cargo build -p kubectl-extsecret -p extsecret-controller && cargo run -p extsecret-dist -- docs`: {stale:?}"
    );
}

/// The anchor of a heading, as the places that show Markdown make it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || *c == '-' || *c == '_').collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

#[test]
fn links_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut findings = Vec::new();
    let mut followed = 0;
    for file in markdown() {
        let text = fs::read_to_string(root().join(&file)).unwrap();
        for found in link.captures_iter(&text) {
            let target = &found[1];
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            followed += 1;
            let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
            let place = match path {
                "" => root().join(&file),
                path => root().join(&file).parent().unwrap().join(path),
            };
            let leads = match fragment {
                "" => place.exists(),
                fragment => {
                    fs::read_to_string(&place).is_ok_and(|text| anchors(&text).contains(fragment))
                }
            };
            if !leads {
                findings.push(format!("{}: {target}", file.display()));
            }
        }
    }
    assert!(followed >= 15, "only {followed} links found");
    assert!(findings.is_empty(), "links that lead nowhere:\n{}", findings.join("\n"));
}

/// Flags of our programs in a text: what stands in a command of theirs or in a table of flags.
fn flags(text: &str) -> BTreeSet<String> {
    let flag = Regex::new(r"(?:^|[\s`(=])(--[a-z][a-z0-9-]+)").unwrap();
    flag.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// Whoever copies a command from a guide finds that its flags exist.
#[test]
fn flags_in_guides_exist() {
    let reference = |file: &str| fs::read_to_string(root().join(file)).unwrap();
    let of_plugin = flags(&reference("plugin/REFERENCE.md"));
    let of_controller = flags(&reference("controller/FLAGS.md"));
    assert!(of_plugin.len() > 40 && of_controller.len() > 15);
    let alone = Regex::new("`(--[a-z][a-z0-9-]+)").unwrap();
    let mut findings = Vec::new();
    let mut looked_at = 0;
    for file in markdown() {
        let text = reference(file.to_str().unwrap());
        let commands = text.lines().filter_map(|line| {
            let start = line.find("kubectl extsecret ")?;
            // Up to the end of the code, or to the next command.
            let command = &line[start..];
            Some(command.split(['`', '|', '#', ';']).next().unwrap_or(command))
        });
        for command in commands {
            looked_at += 1;
            for flag in flags(command).difference(&of_plugin) {
                findings.push(format!("{}: {flag} in {command}", file.display()));
            }
        }
        // A flag that stands alone in these files is the controller's.
        if file.starts_with("controller") {
            for found in
                alone.captures_iter(&text).filter(|found| !of_controller.contains(&found[1]))
            {
                findings.push(format!("{}: {}", file.display(), &found[1]));
            }
        }
    }
    assert!(looked_at >= 15, "only {looked_at} commands found");
    assert!(findings.is_empty(), "no such flags:\n{}", findings.join("\n"));
}
