//! Our translation of KES's templates against lodash: every case of `tests/kes-oracle` renders what
//! lodash rendered, byte for byte, or is refused; the short form may
//! differ, and carries a code that tells the user.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "a test counts its cases")]

mod large;

use std::fs;

use extsecret_migrate::lodash::Style;
use extsecret_tests::kes_oracle::{self, Comparison, Counts, Mode, Sets};
use extsecret_tests::require;

/// Shown at most; the count is complete.
const SHOWN: usize = 40;

/// Of a hundred shapes that KES could render, as many are translated.
const TRANSLATED: usize = 90;

/// Of a hundred shapes, so many may stop with an error on plain strings.
const STOPS: usize = 1;

fn compared(style: Style) -> Comparison {
    let mut comparison = Comparison::new(style).unwrap();
    for group in kes_oracle::vectors(Mode::Template).unwrap() {
        comparison.group(&group).unwrap();
    }
    println!("{comparison}");
    let findings = &comparison.findings;
    let shown = findings.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(findings.is_empty(), "{} answers differ:\n{shown}", findings.len());
    comparison
}

#[test]
fn templates_render_what_kes_rendered() {
    let comparison = compared(Style::Exact);
    let Counts { cases, shapes, translated, stops_on_strings, .. } = comparison.counts;
    assert!(cases > 1500 && shapes > 1000, "only {cases} cases, {shapes} shapes");
    assert!(translated * 100 >= shapes * TRANSLATED, "{translated} of {shapes} are translated");
    assert!(stops_on_strings * 100 <= shapes * STOPS, "{stops_on_strings} of {shapes} stop");
}

/// `--short-templates`: what a person would write may render other bytes, but never unannounced.
#[test]
fn short_templates_announce_what_differs() {
    compared(Style::Short);
}

/// Whole objects: the places of a template, what wins over what, types, and plain keys.
#[test]
fn objects_write_the_secret_that_kes_wrote() {
    let sets = Sets::load().unwrap();
    let (mut cases, mut migrated, mut findings) = (0, 0, Vec::new());
    let (mut mangled, mut only_kes_failed, mut compared) = (0, 0, 0);
    for group in kes_oracle::vectors(Mode::Object).unwrap() {
        for (index, case) in group.cases.iter().enumerate() {
            let judged = kes_oracle::judge_object(case, &sets).unwrap();
            cases += 1;
            migrated += usize::from(judged.migrated);
            mangled += judged.mangled;
            only_kes_failed += judged.only_kes_failed;
            compared += judged.compared;
            let codes = judged.codes.iter().copied().collect::<Vec<_>>().join(" ");
            // An object that is not migrated has to say why.
            if !judged.migrated && !codes.contains('E') {
                findings.push(format!("{}:{}: dropped: {codes}", group.name, index + 1));
            }
            if let Some(expected) = case.get("refused") {
                let expected = expected.as_str().unwrap();
                if judged.migrated || !judged.codes.contains(expected) {
                    findings.push(format!(
                        "{}:{}: not refused with {expected}: {codes}",
                        group.name,
                        index + 1
                    ));
                }
            } else if !judged.migrated {
                findings.push(format!("{}:{}: refused: {codes}", group.name, index + 1));
            }
            let place = format!("{}:{} [{codes}]", group.name, index + 1);
            findings.extend(judged.findings.iter().map(|finding| format!("{place} {finding}")));
        }
    }
    println!(
        "{cases} objects, {migrated} migrated, {compared} Secrets compared, {mangled} values without \
         KES's damage, on {only_kes_failed} only KES failed, {} differ",
        findings.len()
    );
    assert!(cases >= 30, "only {cases} objects");
    assert!(findings.is_empty(), "{} differ:\n{}", findings.len(), findings.join("\n"));
}

/// The vectors are lodash's, not ours: what was committed is what the program says.
#[test]
fn the_vectors_are_what_lodash_says() {
    let sets = Sets::load().unwrap();
    for mode in Mode::ALL {
        let mut oracle = require!(kes_oracle::start(mode).unwrap());
        for group in kes_oracle::corpus(mode).unwrap() {
            let file = kes_oracle::vectors_file(mode, &group.name);
            let written = fs::read_to_string(&file).unwrap_or_default();
            let said = kes_oracle::written(&mut oracle, &sets, mode, &group).unwrap();
            assert!(
                written == said,
                "{} is stale: run `cargo run -p extsecret-tests --bin kes_vectors`",
                file.display()
            );
        }
    }
}
