//! kubectl's completion protocol for plugins.
//!
//! kubectl runs `kubectl_complete-extsecret` with the words after `kubectl extsecret`, the last
//! one possibly empty, and reads one candidate a line (`value<TAB>description`) and a last line
//! with a directive, as cobra's programs print it.

pub(crate) mod live;

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;

use clap_complete::engine;

use crate::exit::Exit;
use crate::output;

/// The hidden first word that asks for completions.
pub(crate) const WORD: &str = "__complete";

/// Directive: nothing to complete but these candidates.
const NO_FILES: &str = ":4";
/// Directive: the shell may complete file names.
const FILES: &str = ":0";

/// Flags whose value is a file or a directory.
const FILE_FLAGS: &[&str] = &[
    "-f",
    "--filename",
    "-k",
    "--kustomize",
    "--output-dir",
    "--stores",
    "--report",
    "--kes-deployment",
    "--kes-values",
    "--install",
    "--kubeconfig",
    "--values",
    "--client-certificate",
    "--client-key",
    "--certificate-authority",
    "--cache-dir",
];

/// Prints the candidates for the last of `words`, whose first is the program's name.
///
/// Whatever goes wrong, the user gets no candidates rather than an error in the prompt.
pub(crate) fn answer(command: clap::Command, words: Vec<OsString>) -> Exit {
    match output::stdout(&candidates(command, words)) {
        Ok(()) => Exit::Success,
        Err(_) => Exit::CouldNotRun,
    }
}

fn candidates(mut command: clap::Command, mut words: Vec<OsString>) -> String {
    if words.len() < 2 {
        words.push(OsString::new());
    }
    let last = words.len().saturating_sub(1);
    if names_a_file(&words) {
        return format!("{FILES}\n");
    }
    live::typed(&words);
    let typing_a_flag = words.last().is_some_and(|word| starts_with_dash(word));
    let found = engine::complete(&mut command, words, last, None).unwrap_or_default();
    let mut text = String::new();
    for candidate in found.iter().filter(|candidate| !candidate.is_hide_set()) {
        let value = candidate.get_value();
        // A shell offers flags only once somebody has begun to type one.
        if starts_with_dash(value) && !typing_a_flag {
            continue;
        }
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        let help = help.lines().next().unwrap_or_default();
        let _ = writeln!(text, "{}\t{help}", value.to_string_lossy());
    }
    text.push_str(NO_FILES);
    text.push('\n');
    text
}

/// True when the last word is the value of a flag that takes a file.
fn names_a_file(words: &[OsString]) -> bool {
    let [.., before, last] = words else { return false };
    let flag_before = FILE_FLAGS.iter().any(|flag| before == flag);
    let flag_inside = last
        .to_str()
        .and_then(|word| word.split_once('='))
        .is_some_and(|(flag, _)| FILE_FLAGS.contains(&flag));
    flag_before || flag_inside
}

fn starts_with_dash(word: &OsStr) -> bool {
    word.as_encoded_bytes().starts_with(b"-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(words: &[&str]) -> String {
        let words = std::iter::once("kubectl-extsecret").chain(words.iter().copied());
        candidates(crate::cli::command(None), words.map(OsString::from).collect())
    }

    #[test]
    fn every_file_flag_exists() {
        let mut command = crate::cli::command(None);
        command.build();
        let known: Vec<String> = command
            .get_subcommands()
            .flat_map(clap::Command::get_arguments)
            .filter(|arg| {
                matches!(
                    arg.get_value_hint(),
                    clap::ValueHint::AnyPath | clap::ValueHint::FilePath | clap::ValueHint::DirPath
                )
            })
            .flat_map(|arg| {
                let long = arg.get_long().map(|long| format!("--{long}"));
                long.into_iter().chain(arg.get_short().map(|short| format!("-{short}")))
            })
            .collect();
        let mut known: Vec<&str> = known.iter().map(String::as_str).collect();
        let mut listed = FILE_FLAGS.to_vec();
        known.sort_unstable();
        known.dedup();
        listed.sort_unstable();
        assert_eq!(known, listed);
    }

    #[test]
    fn verbs_flags_values_and_files() {
        let verbs = ask(&[""]);
        assert!(verbs.starts_with("migrate\t") && verbs.ends_with(":4\n"), "{verbs}");
        assert!(!verbs.contains("--"), "{verbs}");
        assert!(ask(&["migrate", "--reg"]).starts_with("--region\t"));
        assert!(ask(&["migrate", "--scope", ""]).contains("namespace\t"));
        assert!(ask(&["explain", "E0"]).contains("E07\t"));
        assert_eq!(ask(&["migrate", "-f", ""]), ":0\n");
        assert_eq!(ask(&["migrate", "--report=x"]), ":0\n");
        assert!(ask(&[]).contains("explain\t"));
    }
}
