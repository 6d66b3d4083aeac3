//! Every flag is used by a test: those of each verb of the plugin, and those of the controller.
//!
//! What is used is read from the sources: a flag counts for a verb if both are words of the strings
//! of one file of tests, of one golden case or of one command in a guide that `guides` runs. So
//! this finds the flag that nobody has thought of; that the tests are good it cannot know.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use extsecret_tests::tools;
use regex::Regex;

/// Words, such as flags and verbs.
type Words = BTreeSet<String>;

/// A flag that this many verbs have is one of those by which all find the cluster, or write: one verb is
/// enough to try it.
const SHARED: usize = 10;

fn root() -> &'static Path {
    tools::crate_dir().parent().unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// All files below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn words(text: &str) -> Words {
    let ends = |c: char| c.is_whitespace() || "=`|\"'()[],".contains(c);
    text.split(ends).filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

/// What stands in the strings of Rust source.
fn strings(source: &str) -> Words {
    let string = Regex::new(r#"(?s)"((?:[^"\\]|\\.)*)""#).unwrap();
    string.captures_iter(source).flat_map(|found| words(&found[1])).collect()
}

/// What each file of tests, each golden case and each command of a guide says.
fn uses() -> BTreeMap<String, Words> {
    let mut all = BTreeMap::new();
    let mut found = Vec::new();
    for folder in ["plugin/tests", "plugin/src", "controller/src", "tests/tests", "tests/src"] {
        files(&root().join(folder), &mut found);
    }
    for path in found.iter().filter(|path| path.extension().is_some_and(|it| it == "rs")) {
        let text = fs::read_to_string(path).unwrap();
        let is_test = path.ends_with("tests.rs")
            || ["plugin/tests", "tests/tests", "tests/src"]
                .iter()
                .any(|folder| path.starts_with(root().join(folder)));
        let tests = if is_test { Some(text.as_str()) } else { unit_tests(&text) };
        // This file is about flags and uses none.
        if let Some(tests) = tests.filter(|_| !path.ends_with("tests/tests/flags.rs")) {
            all.insert(path.display().to_string(), strings(tests));
        }
    }
    let mut cases = Vec::new();
    files(&root().join("tests/golden"), &mut cases);
    for path in cases.iter().filter(|path| path.ends_with("context.yaml")) {
        let mut case = words(&fs::read_to_string(path).unwrap());
        case.insert("migrate".to_owned());
        all.insert(path.display().to_string(), case);
    }
    for guide in ["README.md", "plugin/MIGRATION.md"] {
        let text = read(guide);
        let lines = text.lines().map(str::trim_start).enumerate();
        for (number, line) in lines.filter(|(_, it)| it.starts_with("kubectl extsecret ")) {
            all.insert(format!("{guide}:{number}"), words(line));
        }
    }
    all
}

/// The tests that end a file of source.
fn unit_tests(source: &str) -> Option<&str> {
    source.find("#[cfg(test)]").map(|start| &source[start..])
}

/// A flag: its long name, and its short one.
type Flag = (String, Option<String>);

/// The flags of each verb, by what is typed after `kubectl extsecret`.
fn verbs() -> BTreeMap<String, Vec<Flag>> {
    let flag = Regex::new(r"(?m)^\s+(?:(-\w), )?(--[a-z][a-z0-9-]+)").unwrap();
    let reference = read("plugin/REFERENCE.md");
    let sections = reference.split("\n## ").skip(1);
    sections
        .map(|section| {
            let name = section.lines().next().unwrap().trim_matches('`');
            let flags = flag.captures_iter(section).map(|found| {
                (found[2].to_owned(), found.get(1).map(|short| short.as_str().to_owned()))
            });
            let name = name.trim_start_matches("kubectl extsecret").trim();
            (name.to_owned(), flags.collect::<BTreeSet<Flag>>().into_iter().collect())
        })
        .collect()
}

#[test]
fn each_flag_of_each_verb_is_used() {
    let (verbs, uses) = (verbs(), uses());
    assert!(verbs.len() > 15 && uses.len() > 100, "{} verbs, {} files", verbs.len(), uses.len());
    let mut count = BTreeMap::<&str, usize>::new();
    for (name, _) in verbs.values().flatten() {
        *count.entry(name).or_default() += 1;
    }
    let mut unused = BTreeSet::new();
    for (verb, flags) in &verbs {
        for (name, short) in flags {
            let is_shared = count[name.as_str()] >= SHARED;
            // A verb of `migrate` is the last word of what is typed, and often all that a test says.
            let last = verb.split(' ').next_back().filter(|it| !it.is_empty() && !is_shared);
            let is_used = uses.values().any(|words| {
                let flag =
                    words.contains(name) || short.as_ref().is_some_and(|it| words.contains(it));
                flag && last.is_none_or(|verb| words.contains(verb))
            });
            if !is_used {
                unused.insert(format!("kubectl extsecret {verb} {name}"));
            }
        }
    }
    assert!(unused.is_empty(), "no test uses\n{}", Vec::from_iter(unused).join("\n"));
}

#[test]
fn each_flag_of_the_controller_is_used() {
    let flag = Regex::new(r"(?m)^\s+(?:-\w, )?--([a-z][a-z0-9-]+)").unwrap();
    let reference = read("controller/FLAGS.md");
    let flags: BTreeSet<_> = flag.captures_iter(&reference).map(|it| it[1].to_owned()).collect();
    assert!(flags.len() > 30, "{flags:?}");
    let mut used: Words = uses().into_values().flatten().collect();
    // What the chart renders, the controller takes: the test `chart` asks it.
    let mut rendered = Vec::new();
    files(&root().join("tests/tests/chart/snapshots"), &mut rendered);
    for snapshot in rendered {
        used.extend(words(&fs::read_to_string(snapshot).unwrap()));
    }
    let unused: Vec<_> = flags.iter().filter(|it| !used.contains(&format!("--{it}"))).collect();
    assert!(unused.is_empty(), "no test uses\n{unused:#?}");
}

#[test]
fn each_flag_of_helm_in_a_guide_is_used() {
    let flag = Regex::new(r"\s(--[a-z][a-z-]+)").unwrap();
    let used: Words = uses().into_values().flatten().collect();
    let mut looked_at = 0;
    for guide in ["README.md", "controller/README.md", "controller/chart/README.md"] {
        let text = read(guide).replace("\\\n", " ");
        for command in text.lines().filter_map(|line| Some(&line[line.find("helm ")?..])) {
            let command = command.split('`').next().unwrap();
            for found in flag.captures_iter(command) {
                looked_at += 1;
                assert!(
                    used.contains(&found[1]),
                    "{guide}: no test uses {} of {command}",
                    &found[1]
                );
            }
        }
    }
    assert!(looked_at >= 5, "{looked_at}");
}
