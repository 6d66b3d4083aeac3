//! Acceptance of `kubectl extsecret migrate`: the real binary on every case of `tests/golden`, and
//! what must hold beyond single cases (order, bytes, credentials, schema).

mod case;
mod chart;
mod compare;
mod render;
mod run;

mod credentials;
mod files;
mod schema;

use std::collections::BTreeSet;
use std::fs;

use crate::case::{Case, Outcome};
use crate::compare::{assert_diagnostics, assert_outcome, assert_same_objects};

fn check(name: &str) {
    let case = Case::load(name);
    let run = render::run_printed(&case);
    let context = format!("{name}: {}\n{}", case.title, run.stderr);

    let mut written = run.objects();
    for kind in &case.also {
        let at = written.iter().position(|object| object["kind"] == kind.as_str());
        written.remove(at.unwrap_or_else(|| panic!("no {kind} was written\n{context}")));
    }
    let expected = case.expected();
    // A case that converts something says what, so that an empty expectation is no mistake.
    assert_eq!(expected.is_empty(), case.result == Outcome::Error, "{name}: expected.yaml");
    assert_same_objects(&written, &expected, &context);
    render::assert_renders(&case, &written);
    assert_diagnostics(&case, &run);
    assert_outcome(&case, &run, written.len());
}

/// One test for each case, and the list of all.
macro_rules! cases {
    ($($name:ident)*) => {
        #[allow(non_snake_case, reason = "cases are called so wherever they are spoken of")]
        mod cases {
            $(#[test] fn $name() { super::check(stringify!($name)); })*
        }
        const LISTED: &[&str] = &[$(stringify!($name)),*];
    };
}

cases! {
    G01 G02 G03a G03b G04 G05 G06 G07 G08 G09 G10 G11a G11b G12 G13a G13b G14 G15a G15b G16 G17
    G18 G19a G19b G20 G21 G22 G23a G23b G24 G25a G25b G26a G26b G27a G27b G28a G28b G29 G30 G31
    G32a G32b G33 G34a G34b G34c G34d G34e G35a G35b G36 G37 G38 G39 G40a G40b G40c G41 G42a G42b
    G43a G43b G44a G44b G44c G45 G46a G46b G46c G46d G46e G47a G47b G47c G48a G48b G48c G48d G48e G48f G49a
    G49b G50a G50b G51a G51b G52 G53 G54 G55a G55b G55c G55d G56a G56b G57a G57b G57c G57d G57e
    G57f G58a G58b G58c G59a G59b G59c
    C01 C02 C03 C04 C05 C06 C07 C08 C09 C10 C11 C12 C13 C14 C15a C15b C16 C17a C17b C17c C17d C18
    C19 C20 C21 C22 C23
}

#[test]
fn every_folder_is_a_test() {
    let folders: BTreeSet<String> = fs::read_dir(case::folder())
        .expect("the folder of cases")
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().expect("UTF-8"))
        .collect();
    let listed: BTreeSet<_> = LISTED.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(folders, listed);
}
