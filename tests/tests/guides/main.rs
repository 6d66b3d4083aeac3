//! Every command of every document runs as it is written, in a cluster that is as the document takes
//! it to be, and prints what the document shows. What stands in for something else, and what is not
//! run, is listed in `standins`, and nowhere else.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod by_hand;
mod document;
mod migration;
mod operations;
mod readme;
mod scene;
mod shell;
mod standins;

use std::collections::BTreeSet;
use std::panic;

use extsecret_tests::{require, tools, venv};

use crate::document::{Command, Section};
use crate::shell::Shell;

/// How the commands of a section are run that need more than a folder.
#[derive(Clone, Copy)]
enum Play {
    /// By a scene.
    Scene(fn(&Section)),
    /// By another test, which reads the document, too.
    Elsewhere,
}

use Play::{Elsewhere, Scene};

/// Who plays which section: documents, headings.
const PLAYS: [(&str, &str, Play); 21] = [
    ("README.md", "What the demo shows", Elsewhere),
    ("README.md", "A first migration", Scene(readme::first_migration)),
    ("README.md", "Is this right?", Scene(readme::validate)),
    ("README.md", "From nothing", Scene(readme::scaffold)),
    ("README.md", "What is wrong?", Scene(readme::what_is_wrong)),
    ("README.md", "Which permissions?", Scene(readme::permissions)),
    ("README.md", "See the Secret first", Scene(readme::render)),
    ("README.md", "A running cluster", Scene(migration::running)),
    ("README.md", "From the Secrets Store CSI driver", Scene(readme::csi)),
    ("README.md", "Helm charts", Scene(readme::helm_charts)),
    ("README.md", "The report", Scene(readme::report)),
    ("plugin/MIGRATION.md", "1. Gather", Scene(migration::gather)),
    ("plugin/MIGRATION.md", "2. Look, and decide", Scene(migration::look)),
    ("plugin/MIGRATION.md", "3. Prove", Scene(migration::prove)),
    ("plugin/MIGRATION.md", "4. Write", Scene(migration::write)),
    ("plugin/MIGRATION.md", "5. Hand over", Scene(migration::hand_over)),
    // `by_hand` plays these together.
    ("plugin/MIGRATION.md", "6. The same by hand", Elsewhere),
    ("plugin/MIGRATION.md", "The way back", Elsewhere),
    ("controller/README.md", "Install", Scene(operations::install)),
    ("controller/chart/README.md", "extsecret-controller", Scene(operations::install)),
    ("krew/README.md", "krew", Scene(operations::krew)),
];

/// Plays a document from its beginning to its end, also after a section that is not as it should be.
fn play(path: &str) {
    let mut failed = Vec::new();
    let documents = document::all();
    for document in documents.iter().filter(|it| it.path == path) {
        for section in document.sections.iter().filter(|it| !it.commands.is_empty()) {
            let found = PLAYS
                .iter()
                .find(|(path, heading, _)| *path == document.path && *heading == section.heading);
            let played = panic::catch_unwind(|| match found {
                Some((.., Scene(scene))) => scene(section),
                Some((.., Elsewhere)) => {}
                // Without a cluster and files.
                None => Shell::new().play(section, &[]),
            });
            if played.is_err() {
                failed.push(&section.heading);
            }
        }
    }
    assert!(failed.is_empty(), "{path}: {failed:?}");
}

#[test]
fn readme() {
    require!(tools::kubectl());
    require!(venv::python());
    play("README.md");
}

#[test]
fn migration() {
    require!(tools::kubectl());
    require!(venv::python());
    play("plugin/MIGRATION.md");
}

/// All others, short as they are.
#[test]
fn other_documents() {
    require!(tools::kubectl());
    let documents: Vec<_> = document::all().into_iter().map(|it| it.path).collect();
    assert!(documents.len() >= 8, "{documents:?}");
    let long = ["README.md", "plugin/MIGRATION.md"];
    documents.iter().filter(|it| !long.contains(&it.as_str())).for_each(|it| play(it));
}

/// What a sentence calls by its name is there to be called.
#[test]
fn commands_in_sentences_exist() {
    require!(tools::kubectl());
    let shell = Shell::new();
    let documents = document::all();
    let commands = documents.iter().flat_map(|it| &it.sections).flat_map(|it| &it.commands);
    let names: BTreeSet<_> = commands.filter(|it| it.is_name).map(|it| &it.text).collect();
    assert!(names.len() >= 15, "{names:?}");
    for name in names {
        let (verbs, flags) = name.split_once(" --").unwrap_or((name, ""));
        let ran = shell.run(&format!("{verbs} --help"), None);
        assert!(ran.status.success(), "{ran}");
        for flag in flags.split(' ') {
            assert!(ran.stdout.contains(flag.trim_start_matches('-')), "{name}: {ran}");
        }
    }
}

/// Nothing is on a list that is in no document.
#[test]
fn lists_are_used() {
    let documents = document::all();
    for (path, heading, _) in PLAYS {
        let document = documents.iter().find(|it| it.path == path);
        let mut sections = document.iter().flat_map(|it| &it.sections);
        let has_commands = |it: &Section| it.heading == heading && !it.commands.is_empty();
        assert!(sections.any(has_commands), "{path} has no commands below {heading:?}");
    }
    let commands = documents.iter().flat_map(|it| &it.sections).flat_map(|it| &it.commands);
    let commands: Vec<&Command> = commands.collect();
    assert!(commands.len() > 70, "{}", commands.len());
    standins::assert_lists_are_used(&commands);
}
