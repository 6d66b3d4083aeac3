//! Our crates against Go: every case of `tests/oracle` must have Go's answer, byte for byte, or a
//! reason in `differences.toml`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "a test counts its cases")]

mod random;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use extsecret_tests::oracle::{self, Differences, Line, Mode, Oracle};
use extsecret_tests::{require, tools};

/// Shown at most; the count is complete.
const SHOWN: usize = 40;

fn check(mode: Mode, at_least: usize) {
    let differences = Differences::load().unwrap();
    let mut unused: BTreeSet<usize> = differences.of(mode).map(|(number, _)| number).collect();
    let (mut cases, mut explained) = (0, 0);
    let mut findings = Vec::new();
    let files = oracle::files("vectors", mode).unwrap();
    let files: Vec<_> = files.iter().map(|file| (file, oracle::read(file).unwrap())).collect();
    // A case that Go is asked in two ways stands there twice, with both answers.
    let said: BTreeMap<String, Line> = files
        .iter()
        .flat_map(|(_, lines)| lines)
        .map(|line| {
            let (case, go) = taken_apart(mode, line);
            (serde_json::to_string(&case).unwrap(), go)
        })
        .collect();
    let mut ask = |other: &Line| Ok(said.get(&serde_json::to_string(other)?).cloned());
    for (file, lines) in &files {
        let name = file.file_name().unwrap().display().to_string();
        for (index, line) in lines.iter().enumerate() {
            cases += 1;
            let (case, go) = taken_apart(mode, line);
            let ours = catch_unwind(AssertUnwindSafe(|| oracle::answer(mode, &case).unwrap()));
            let ours = ours.unwrap_or_else(|_| Line::from_iter([("crash".into(), true.into())]));
            if ours == go {
                continue;
            }
            let reason = differences.explain(mode, &case, (&go, &ours), &mut ask).unwrap();
            if let Some(number) = reason {
                unused.remove(&number);
                explained += 1;
                continue;
            }
            let [case, go, ours] =
                [&case, &go, &ours].map(|line| serde_json::to_string(line).unwrap());
            findings
                .push(format!("{name}:{}\n  case {case}\n  Go   {go}\n  ours {ours}", index + 1));
        }
    }
    println!("{mode}: {cases} cases, {explained} explained, {} differ", findings.len());
    assert!(cases >= at_least, "only {cases} cases of {mode}");
    let shown = findings.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(findings.is_empty(), "{} of {cases} cases differ:\n{shown}", findings.len());
    let reasons: Vec<_> =
        differences.of(mode).filter(|(number, _)| unused.contains(number)).collect();
    assert!(reasons.is_empty(), "differences.toml explains what no case shows: {reasons:?}");
}

/// The case of a line, and Go's answer.
fn taken_apart(mode: Mode, line: &Line) -> (Line, Line) {
    let go = oracle::answer_of(mode, line);
    (line.iter().filter(|(name, _)| !go.contains_key(*name)).map(owned).collect(), go)
}

fn owned((name, value): (&String, &serde_json::Value)) -> (String, serde_json::Value) {
    (name.clone(), value.clone())
}

#[test]
fn base64_as_in_go() {
    check(Mode::Base64, 50);
}

#[test]
fn hashes_as_in_go() {
    check(Mode::Hash, 20);
}

#[test]
fn json_as_in_go() {
    check(Mode::Json, 500);
}

#[test]
fn paths_as_in_gjson() {
    check(Mode::Gjson, 2000);
}

#[test]
fn regexps_as_in_go() {
    check(Mode::Regexp, 500);
}

#[test]
fn templates_as_in_go() {
    check(Mode::Template, 10_000);
}

#[test]
fn yaml_as_in_go() {
    check(Mode::Yaml, 500);
}

/// The vectors are Go's, not ours: what was committed is what the program says.
#[test]
fn the_vectors_are_what_go_says() {
    for mode in Mode::ALL {
        let mut oracle = require!(Oracle::start(mode).unwrap());
        for corpus in oracle::files("corpus", mode).unwrap() {
            let name = corpus.file_name().unwrap();
            let vectors = oracle::folder().join("vectors").join(mode.name()).join(name);
            let written = fs::read_to_string(&vectors).unwrap_or_default();
            let said = oracle::vectors(&mut oracle, &corpus).unwrap();
            assert!(
                written == said,
                "{} is stale: run `cargo run -p extsecret-tests --bin vectors`",
                vectors.display()
            );
        }
    }
}

/// ESO's functions are here, and no others: an unknown one is refused when a template is parsed.
#[test]
fn the_functions_are_those_of_eso() {
    let program = require!(tools::oracle());
    let output = Command::new(program).arg("functions").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let gos: Vec<_> = text.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert!(gos.len() > 200, "{text}");
    let ours: Vec<_> = gotemplate::funcs::names().collect();
    assert_eq!(ours, gos);
}
