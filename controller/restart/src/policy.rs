//! Whether a workload restarts because of a Secret, as far as people have said so.
//!
//! What each says, from what wins to what yields:
//!
//! | who | says | then |
//! |---|---|---|
//! | controller | the namespace is not among those it may restart in | no |
//! | Secret or ExternalSecret | `extsecret.io/restart: none` | no |
//! | workload | `off` | no |
//! | namespace | `off` | no |
//! | workload | `auto`, or a list with the Secret in it | yes |
//! | namespace | `on` | yes |
//! | controller | its default | as it says |
//!
//! Nothing restarts because of words that cannot be understood.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use regex::Regex;

use crate::scan::{How, Use};

/// Whether to restart: on workloads (`auto`, `off`, `inherit`, or names of Secrets), namespaces
/// (`on`, `off`, `inherit`), and Secrets or their ExternalSecrets (`none`).
pub const RESTART: &str = "extsecret.io/restart";
/// On a workload or namespace: `enforce`, `notify` or `dry-run`.
pub const MODE: &str = "extsecret.io/restart-mode";
/// On a workload: a number; lower ones restart first.
pub const WAVE: &str = "extsecret.io/restart-wave";
/// On a workload or namespace: when restarts may begin.
pub const WINDOW: &str = "extsecret.io/restart-window";
/// On a workload, namespace, Secret or ExternalSecret: no restarts until this time (RFC 3339), or
/// until it is taken away.
pub const FREEZE: &str = "extsecret.io/restart-freeze";
/// Beside that: why, for people.
pub const FREEZE_REASON: &str = "extsecret.io/restart-freeze-reason";
/// On a workload: `all`, or some of `env`, `volume` and `subPath`.
pub const RESTART_ON: &str = "extsecret.io/restart-on";

/// What a workload or a namespace says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    #[default]
    Inherit,
    /// Restart.
    On,
    /// Restart for these Secrets only, referenced or not.
    For(BTreeSet<Box<str>>),
    /// Do not restart.
    Off,
    /// Something that cannot be understood, which is no reason to restart.
    Unclear,
}

impl Wish {
    /// Of a workload.
    pub fn of_workload(text: Option<&str>) -> Self {
        match Self::word(text) {
            Self::Unclear => {}
            wish => return wish,
        }
        let names = text.unwrap_or_default().split(',').map(str::trim);
        let names: BTreeSet<Box<str>> =
            names.filter(|name| !name.is_empty()).map(Box::from).collect();
        if names.is_empty() || !names.iter().all(|name| is_name(name)) {
            return Self::Unclear;
        }
        Self::For(names)
    }

    /// Of a namespace.
    pub fn of_namespace(text: Option<&str>) -> Self {
        Self::word(text)
    }

    fn word(text: Option<&str>) -> Self {
        match text.map(str::trim) {
            None | Some("" | "inherit") => Self::Inherit,
            Some("auto" | "on" | "true") => Self::On,
            Some("off" | "none" | "false") => Self::Off,
            Some(_) => Self::Unclear,
        }
    }
}

/// Whether it can be the name of a Secret.
fn is_name(name: &str) -> bool {
    name.len() <= 253
        && name.bytes().all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
}

/// Whether a Secret or ExternalSecret says that nothing restarts for it.
pub fn is_killed(text: Option<&str>) -> bool {
    matches!(text.map(str::trim), Some("none" | "off" | "false"))
}

/// All that has been said about one workload and one Secret.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// Whether the controller may restart in this namespace.
    pub allowed: bool,
    /// Whether the Secret or its ExternalSecret says that nothing restarts for it.
    pub killed: bool,
    /// By the workload.
    pub workload: &'a Wish,
    /// By the namespace.
    pub namespace: &'a Wish,
    /// By the controller, for all of whom nothing is said.
    pub default: bool,
}

/// Who has decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Because {
    /// The controller may not restart in this namespace.
    NamespaceDenied,
    /// The Secret or its ExternalSecret.
    SecretSaysNo,
    /// The workload.
    WorkloadSaysNo,
    /// The namespace.
    NamespaceSaysNo,
    /// The workload.
    WorkloadSaysYes,
    /// The workload names other Secrets.
    WorkloadNamesOthers,
    /// The namespace.
    NamespaceSaysYes,
    /// The controller's default.
    Default,
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NamespaceDenied => "the controller does not restart in this namespace",
            Self::SecretSaysNo => "the Secret or its ExternalSecret says so",
            Self::WorkloadSaysNo | Self::WorkloadSaysYes => "the workload says so",
            Self::WorkloadNamesOthers => "the workload names other Secrets",
            Self::NamespaceSaysNo | Self::NamespaceSaysYes => "the namespace says so",
            Self::Default => "it is the default",
        })
    }
}

/// Whether the workload restarts for the Secret `secret`, and who has decided so.
pub fn rule(said: Said<'_>, secret: &str) -> (bool, Because) {
    match (said.workload, said.namespace) {
        _ if !said.allowed => (false, Because::NamespaceDenied),
        _ if said.killed => (false, Because::SecretSaysNo),
        (Wish::Off | Wish::Unclear, _) => (false, Because::WorkloadSaysNo),
        (_, Wish::Off | Wish::Unclear) => (false, Because::NamespaceSaysNo),
        (Wish::On, _) => (true, Because::WorkloadSaysYes),
        (Wish::For(names), _) if names.contains(secret) => (true, Because::WorkloadSaysYes),
        (Wish::For(_), _) => (false, Because::WorkloadNamesOthers),
        (Wish::Inherit, Wish::On) => (true, Because::NamespaceSaysYes),
        (Wish::Inherit, _) => (said.default, Because::Default),
    }
}

/// What a decision leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// To a restart.
    #[default]
    Enforce,
    /// To words when a restart would begin: somebody else restarts.
    Notify,
    /// To words at once: a rehearsal.
    DryRun,
}

impl Mode {
    /// As people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Notify => "notify",
            Self::DryRun => "dry-run",
        }
    }

    /// The most careful of what is said; an unclear word means no restart.
    pub fn of<'a>(default: Self, said: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let said = said.into_iter().flatten().map(|text| match text.trim() {
            "enforce" | "" => Self::Enforce,
            "notify" => Self::Notify,
            _ => Self::DryRun,
        });
        said.chain([default]).max().unwrap_or_default()
    }
}

/// Whether nothing restarts at `now`, and until when; the longest of what is said.
pub fn frozen<'a>(
    said: impl IntoIterator<Item = Option<&'a str>>,
    now: Timestamp,
) -> Option<Timestamp> {
    let until = said.into_iter().flatten().map(|text| match text.trim() {
        "" | "false" => Timestamp::MIN,
        // What cannot be understood was meant to stop something.
        text => text.parse().unwrap_or(Timestamp::MAX),
    });
    until.max().filter(|until| *until > now)
}

/// The wave of a workload: 0 if it says nothing, the last if it cannot be understood.
pub fn wave(text: Option<&str>) -> i32 {
    text.map_or(0, |text| text.trim().parse().unwrap_or(i32::MAX))
}

/// Whether a way of reading is a reason to restart. Applications seldom read files again, so all
/// are unless the workload says otherwise.
pub fn counts(text: Option<&str>, it: &Use) -> bool {
    let said = text.map(str::trim).filter(|text| !text.is_empty());
    said.is_none_or(|said| {
        said.split(',').any(|word| match word.trim() {
            "env" => it.how == How::Env,
            "subPath" => it.how == How::SubPath,
            "volume" => it.how == How::Volume,
            _ => true,
        })
    })
}

/// What a workload and a Secret say in the words of Reloader, which its users need not write anew.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reloader<'a> {
    /// `reloader.stakater.com/auto` of the workload.
    pub auto: Option<&'a str>,
    /// `secret.reloader.stakater.com/auto` of the workload.
    pub secret_auto: Option<&'a str>,
    /// `secret.reloader.stakater.com/reload` of the workload.
    pub reload: Option<&'a str>,
    /// `secrets.exclude.reloader.stakater.com/reload` of the workload.
    pub exclude: Option<&'a str>,
    /// `reloader.stakater.com/search` of the workload.
    pub search: Option<&'a str>,
    /// `reloader.stakater.com/match` of the Secret.
    pub matches: Option<&'a str>,
    /// `reloader.stakater.com/ignore` of the Secret.
    pub ignore: Option<&'a str>,
}

impl Reloader<'_> {
    /// What they mean together for the Secret `secret`; `None` if they say nothing about it.
    pub fn wish(&self, secret: &str) -> Option<Wish> {
        let is = |text: Option<&str>, what: &str| text.map(str::trim) == Some(what);
        if is(self.ignore, "true") {
            return Some(Wish::Off);
        }
        let mut excluded = self.exclude.unwrap_or_default().split(',').map(str::trim);
        if excluded.any(|name| name == secret) {
            return Some(Wish::Off);
        }
        let mut named = self.reload.unwrap_or_default().split(',').map(str::trim);
        if named.any(|pattern| !pattern.is_empty() && is_match(pattern, secret)) {
            return Some(Wish::On);
        }
        if is(self.search, "true") && is(self.matches, "true") {
            return Some(Wish::On);
        }
        if is(self.auto, "true") || is(self.secret_auto, "true") {
            return Some(Wish::On);
        }
        (is(self.auto, "false") || is(self.secret_auto, "false")).then_some(Wish::Off)
    }
}

fn is_match(pattern: &str, name: &str) -> bool {
    if pattern == name {
        return true;
    }
    // A pattern comes from whoever may edit workloads: what it may cost is bounded.
    let pattern = regex::RegexBuilder::new(&format!("^(?:{pattern})$"));
    let mut pattern = pattern;
    let built = pattern.size_limit(1 << 16).build();
    built.is_ok_and(|regex: Regex| regex.is_match(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the precedence, all of it: whoever stands further up decides, whatever those
    /// below say.
    #[test]
    fn who_stands_further_up_decides() {
        let names = |name: &str| Wish::For(BTreeSet::from([name.into()]));
        let workloads =
            [Wish::Inherit, Wish::On, names("db"), names("other"), Wish::Off, Wish::Unclear];
        let namespaces = [Wish::Inherit, Wish::On, Wish::Off, Wish::Unclear];
        let mut seen = 0;
        for allowed in [true, false] {
            for killed in [true, false] {
                for workload in &workloads {
                    for namespace in &namespaces {
                        for default in [true, false] {
                            let said = Said { allowed, killed, workload, namespace, default };
                            let workload_no = matches!(workload, Wish::Off | Wish::Unclear);
                            let namespace_no = matches!(namespace, Wish::Off | Wish::Unclear);
                            let expected = if !allowed {
                                (false, Because::NamespaceDenied)
                            } else if killed {
                                (false, Because::SecretSaysNo)
                            } else if workload_no {
                                (false, Because::WorkloadSaysNo)
                            } else if namespace_no {
                                (false, Because::NamespaceSaysNo)
                            } else if *workload == Wish::On || *workload == names("db") {
                                (true, Because::WorkloadSaysYes)
                            } else if *workload == names("other") {
                                (false, Because::WorkloadNamesOthers)
                            } else if *namespace == Wish::On {
                                (true, Because::NamespaceSaysYes)
                            } else {
                                (default, Because::Default)
                            };
                            assert_eq!(rule(said, "db"), expected, "{said:?}");
                            seen += 1;
                        }
                    }
                }
            }
        }
        assert_eq!(seen, 192);
    }

    #[test]
    fn words_mean_what_they_say_and_nothing_else_restarts() {
        let names = Wish::For(BTreeSet::from(["a".into(), "b.c".into()]));
        for (text, workload, namespace) in [
            ("auto", Wish::On, Wish::On),
            (" on ", Wish::On, Wish::On),
            ("true", Wish::On, Wish::On),
            ("off", Wish::Off, Wish::Off),
            ("none", Wish::Off, Wish::Off),
            ("inherit", Wish::Inherit, Wish::Inherit),
            ("", Wish::Inherit, Wish::Inherit),
            ("a, b.c,", names, Wish::Unclear),
            ("Yes!", Wish::Unclear, Wish::Unclear),
            (",", Wish::Unclear, Wish::Unclear),
        ] {
            assert_eq!(Wish::of_workload(Some(text)), workload, "{text}");
            assert_eq!(Wish::of_namespace(Some(text)), namespace, "{text}");
        }
        assert_eq!(Wish::of_workload(None), Wish::Inherit);
    }

    #[test]
    fn the_most_careful_mode_and_the_longest_freeze_count() {
        assert_eq!(Mode::of(Mode::Enforce, [None, Some("enforce")]), Mode::Enforce);
        assert_eq!(Mode::of(Mode::Enforce, [Some("dry-run"), Some("enforce")]), Mode::DryRun);
        assert_eq!(Mode::of(Mode::DryRun, [Some("enforce")]), Mode::DryRun);
        assert_eq!(Mode::of(Mode::Enforce, [Some("dryrun")]), Mode::DryRun);
        assert_eq!(Mode::of(Mode::Enforce, [Some(" notify "), Some("enforce")]), Mode::Notify);
        assert_eq!(Mode::of(Mode::Notify, [Some("enforce")]), Mode::Notify);
        assert_eq!(Mode::of(Mode::Notify, [Some("dry-run")]), Mode::DryRun);

        let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        let later = "2026-11-25T13:00:00Z";
        assert_eq!(frozen([None, Some("2026-11-25T11:00:00Z")], now), None);
        assert_eq!(frozen([Some(later), Some("2026-11-25T12:30:00Z")], now), later.parse().ok());
        assert_eq!(frozen([Some("true")], now), Some(Timestamp::MAX));
        assert_eq!(frozen([Some("false"), Some("")], now), None);
    }

    #[test]
    fn waves_are_numbers_and_unclear_ones_are_last() {
        assert_eq!([wave(None), wave(Some(" -2 ")), wave(Some("x"))], [0, -2, i32::MAX]);
    }

    #[test]
    fn a_workload_may_say_which_ways_of_reading_count() {
        let it =
            |how| Use { secret: "db".into(), keys: crate::scan::KeySet::All, optional: false, how };
        for (text, env, volume, sub_path) in [
            (None, true, true, true),
            (Some("env,subPath"), true, false, true),
            (Some("all"), true, true, true),
            (Some("volume"), false, true, false),
        ] {
            let found = [How::Env, How::Volume, How::SubPath].map(|how| counts(text, &it(how)));
            assert_eq!(found, [env, volume, sub_path], "{text:?}");
        }
    }

    #[test]
    fn the_words_of_reloader_are_understood() {
        let says = |reloader: Reloader<'_>| reloader.wish("db-main");
        let yes = Some("true");
        assert_eq!(says(Reloader::default()), None);
        assert_eq!(says(Reloader { auto: yes, ..Reloader::default() }), Some(Wish::On));
        assert_eq!(says(Reloader { secret_auto: yes, ..Reloader::default() }), Some(Wish::On));
        assert_eq!(says(Reloader { auto: Some("false"), ..Reloader::default() }), Some(Wish::Off));
        let named = Reloader { reload: Some("api, db-.*"), ..Reloader::default() };
        assert_eq!(says(named), Some(Wish::On));
        // Anchored, and a pattern that is none matches nothing.
        assert_eq!(says(Reloader { reload: Some("db"), ..Reloader::default() }), None);
        assert_eq!(says(Reloader { reload: Some("db-(main"), ..Reloader::default() }), None);
        let excluded = Reloader { exclude: Some("api,db-main"), ..named };
        assert_eq!(says(excluded), Some(Wish::Off));
        assert_eq!(says(Reloader { ignore: yes, ..named }), Some(Wish::Off));
        let search = Reloader { search: yes, ..Reloader::default() };
        assert_eq!(says(search), None);
        assert_eq!(says(Reloader { matches: yes, ..search }), Some(Wish::On));
    }
}
