//! Our crates against Go: every case of `tests/oracle` must have Go's answer, byte for byte, or a
//! reason in `differences.toml`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "a test counts its cases")]

mod random;

use std::collections::BTreeSet;
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
    for file in oracle::files("vectors", mode).unwrap() {
        let name = file.file_name().unwrap().display().to_string();
        for (index, line) in oracle::read(&file).unwrap().iter().enumerate() {
            cases += 1;
            let go = oracle::answer_of(mode, line);
            let case: Line = line.iter().filter(|(n, _)| !go.contains_key(*n)).map(owned).collect();
            let ours = catch_unwind(AssertUnwindSafe(|| oracle::answer(mode, &case).unwrap()));
            let ours = ours.unwrap_or_else(|_| Line::from_iter([("crash".into(), true.into())]));
            if ours == go {
                continue;
            }
            if let Some(number) = differences.explain(mode, &case, &go, &ours) {
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
