//! The flags of restarts.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use extsecret_crds::duration::GoDuration;
use extsecret_restart::pace::Limits;
use extsecret_restart::policy::Mode;
use jiff::{SignedDuration, Timestamp};

use super::webhook::{self, SigningKey, Webhook};

/// Whether, when and how fast workloads restart because of changed Secrets.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Restarts")]
pub(crate) struct RestartArgs {
    /// Restart workloads that ask for it by the annotation extsecret.io/restart when what they read of
    /// a synced Secret changes; with notify or dry-run, tell only
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    pub(crate) restarts: Restarts,

    /// Restart workloads that say nothing about it, too
    #[arg(long, action = ArgAction::Set, default_value_t = false, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub(crate) restart_by_default: bool,

    /// Never restart in this namespace; may be given several times
    #[arg(long, value_name = "NAMESPACE")]
    pub(crate) restart_denied_namespace: Vec<String>,

    /// A change waits until nothing has changed for this long
    #[arg(long, default_value = "10s", value_name = "DURATION", value_parser = duration)]
    pub(crate) restart_debounce: Duration,

    /// But no longer than this
    #[arg(long, default_value = "60s", value_name = "DURATION", value_parser = duration)]
    pub(crate) restart_max_hold: Duration,

    /// The pause between two restarts of a workload, doubled with each in an hour
    #[arg(long, default_value = "5m", value_name = "DURATION", value_parser = duration)]
    pub(crate) restart_min_interval: Duration,

    /// How often a workload restarts in an hour at most [0: no limit]
    #[arg(long, default_value_t = 6, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(0..=16))]
    pub(crate) restart_max_per_hour: u16,

    /// How many workloads restart in a minute at most [0: no limit]
    #[arg(long, default_value_t = 120, value_name = "NUMBER")]
    pub(crate) restart_max_per_minute: u16,

    /// Rollouts that are under way at once
    #[arg(long, default_value_t = 20, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) restart_concurrent: u16,

    /// The same in one namespace
    #[arg(long, default_value_t = 20, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) restart_concurrent_per_namespace: u16,

    /// The same because of one Secret
    #[arg(long, default_value_t = 20, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) restart_concurrent_per_secret: u16,

    /// The same of workloads that run on every node, and take a pod away from each
    #[arg(long, default_value_t = 2, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) restart_concurrent_daemonsets: u16,

    /// A rollout that takes longer has failed, and halts what else was to restart for its change; a newer
    /// value does not wait for it any more
    #[arg(long, default_value = "15m", value_name = "DURATION", value_parser = duration)]
    pub(crate) restart_rollout_deadline: Duration,

    /// Where a signed notice is sent, besides the Event, of what is to be restarted by somebody else
    /// (mode notify)
    #[arg(long, value_name = "URL")]
    pub(crate) restart_notify_url: Option<String>,

    /// The file with the key of its signature [default: the variable `EXTSECRET_RESTART_NOTIFY_KEY`]
    #[arg(long, value_name = "FILE", requires = "restart_notify_url")]
    pub(crate) restart_notify_key_file: Option<PathBuf>,

    /// That key itself, never as a flag: whoever sees processes would see it
    #[arg(long, env = webhook::KEY, hide = true, hide_env_values = true, value_parser = SigningKey::parse)]
    pub(crate) restart_notify_key: Option<SigningKey>,

    /// When restarts may begin: a schedule, a time zone and a duration, such as
    /// "0 2 * * 1-5 Europe/Berlin 2h"
    #[arg(long, value_name = "WINDOW", value_parser = window)]
    pub(crate) restart_window: Option<String>,

    /// Begin no restart before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) restart_freeze_until: Option<Timestamp>,

    /// Understand the annotations of Reloader, too. Never with a Reloader that still runs
    #[arg(long, action = ArgAction::Set, default_value_t = false, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub(crate) restart_reloader_annotations: bool,

    /// Count restarts by workload as well: a series for each that restarts
    #[arg(long, action = ArgAction::Set, default_value_t = false, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub(crate) restart_metrics_by_workload: bool,

    /// The Secret with the key that fingerprints of values are made with; made if there is none
    #[arg(long, default_value = "extsecret-controller-key", value_name = "NAME")]
    pub(crate) restart_key_secret: String,

    /// The namespace of that Secret [default: the one this runs in]
    #[arg(long, value_name = "NAMESPACE")]
    pub(crate) restart_key_namespace: Option<String>,
}

/// Whether workloads restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Restarts {
    /// Workloads are neither watched nor written.
    #[default]
    Off,
    /// It is told at once what would restart.
    DryRun,
    /// It is told once, when it would restart, for somebody else who does it. No workload is written.
    Notify,
    /// They do.
    Enforce,
}

impl RestartArgs {
    /// What workloads restart with unless they say otherwise; `None` if nothing does.
    pub(crate) fn mode(&self) -> Option<Mode> {
        match self.restarts {
            Restarts::Off => None,
            Restarts::DryRun => Some(Mode::DryRun),
            Restarts::Notify => Some(Mode::Notify),
            Restarts::Enforce => Some(Mode::Enforce),
        }
    }

    /// How much at once, and how often.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            debounce: signed(self.restart_debounce),
            max_hold: signed(self.restart_max_hold),
            min_interval: signed(self.restart_min_interval),
            per_hour: self.restart_max_per_hour.into(),
            per_minute: self.restart_max_per_minute.into(),
            at_once: self.restart_concurrent.into(),
            at_once_in_namespace: self.restart_concurrent_per_namespace.into(),
            at_once_for_secret: self.restart_concurrent_per_secret.into(),
            daemon_sets_at_once: self.restart_concurrent_daemonsets.into(),
        }
    }

    /// Who gets notices; `None` if nobody does.
    ///
    /// # Errors
    /// If they cannot be sent there, or not be signed.
    pub(crate) fn webhook(&self) -> anyhow::Result<Option<Webhook>> {
        let url = self.restart_notify_url.as_deref().filter(|_| self.mode().is_some());
        let key = || match (&self.restart_notify_key_file, &self.restart_notify_key) {
            (Some(file), _) => Some(webhook::Source::File(file.clone())),
            (None, Some(key)) => Some(webhook::Source::Given(key.clone())),
            (None, None) => None,
        };
        url.map(|url| Webhook::new(url, key())).transpose()
    }

    /// How long a rollout may take.
    pub(crate) fn deadline(&self) -> SignedDuration {
        signed(self.restart_rollout_deadline)
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration: GoDuration = text.parse().map_err(|error| format!("{error}"))?;
    duration.to_std().ok_or_else(|| "give a time of zero or more, such as 10s".to_owned())
}

fn window(text: &str) -> Result<String, String> {
    let window = extsecret_restart::window::Window::parse(text);
    window.map(|_| text.to_owned()).map_err(|error| error.to_string())
}
