//! Pages for `man`, of the same definitions as `--help`.

use std::ffi::OsString;
use std::io;

use anyhow::Context as _;
use clap_mangen::Man;

use crate::exit::{self, Exit};
use crate::output;

/// The hidden first word that asks for them: alone it prints their names, with a name a page.
pub(crate) const WORD: &str = "__man";

/// Section of commands.
const SECTION: &str = "1";

/// Prints what was asked for.
pub(crate) fn answer(command: clap::Command, page: Option<&OsString>) -> Exit {
    let printed = match page {
        None => Ok(names(command)),
        Some(name) => page_of(command, &name.to_string_lossy()),
    };
    let printed = printed.and_then(|text| Ok(output::stdout_verbatim(&text)?));
    printed.map_or_else(|error| exit::explain(&error), |()| Exit::Success)
}

/// The command and its verbs, with names of pages: `kubectl-extsecret-status.1`.
fn pages(mut command: clap::Command) -> Vec<(String, clap::Command)> {
    command.build();
    let visible = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    let verbs = visible.map(|verb| (file(verb), verb.clone())).collect::<Vec<_>>();
    let mut pages = vec![(file(&command), command)];
    pages.extend(verbs);
    pages
}

fn file(command: &clap::Command) -> String {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    format!("{name}.{SECTION}")
}

fn names(command: clap::Command) -> String {
    pages(command).into_iter().map(|(name, _)| name + "\n").collect()
}

fn page_of(command: clap::Command, name: &str) -> anyhow::Result<String> {
    let found = pages(command).into_iter().find(|(known, _)| known == name);
    let (_, command) = found.with_context(|| format!("there is no page {name}"))?;
    let mut page = Vec::new();
    Man::new(command).section(SECTION).render(&mut page)?;
    String::from_utf8(page).map_err(|error| io::Error::other(error).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_a_page() {
        let command = || crate::cli::command(Some("kubectl-extsecret".as_ref()));
        let names = names(command());
        assert!(names.starts_with("kubectl-extsecret.1\nkubectl-extsecret-migrate.1\n"), "{names}");
        let mut count = 0;
        for name in names.lines() {
            let page = page_of(command(), name).unwrap();
            for part in [".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS"] {
                assert!(page.contains(part), "{name} lacks {part}");
            }
            count += 1;
        }
        assert!(count > 10, "{names}");
        let page = page_of(command(), "kubectl-extsecret-status.1").unwrap();
        assert!(
            page.contains("kubectl extsecret status") || page.contains("kubectl\\ extsecret"),
            "{page}"
        );
        assert!(page_of(command(), "other.1").is_err());
    }
}
