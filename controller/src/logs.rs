//! What is logged: this project's own lines only. The libraries beneath log whole requests and answers
//! at their most verbose levels, and panics quote what they stumbled over.

use std::panic;

use clap::ValueEnum;
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

/// What targets of this project begin with.
const OURS: &str = "extsecret_";

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    /// What could not be done.
    // External Secrets Operator's levels above this one say nothing that is not an error.
    #[value(aliases = ["dpanic", "panic", "fatal"])]
    Error,
    /// And what went wrong on the way.
    Warn,
    /// And what was done.
    #[default]
    Info,
    /// And why nothing was done.
    Debug,
}

/// How it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// For people.
    Text,
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        Self::from_level(match level {
            LogLevel::Error => Level::ERROR,
            LogLevel::Warn => Level::WARN,
            LogLevel::Info => Level::INFO,
            LogLevel::Debug => Level::DEBUG,
        })
    }
}

/// Begins to log, to stdout. No environment variable changes what.
///
/// # Errors
/// If something logs already.
pub(crate) fn start(level: LogLevel, format: LogFormat) -> anyhow::Result<()> {
    tracing::subscriber::set_global_default(subscriber(level, format, std::io::stdout))?;
    panic::set_hook(Box::new(tell_panic));
    Ok(())
}

/// Says where a panic was, and not what it said: that may be a value.
fn tell_panic(info: &panic::PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, "panicked: this is a bug; please report this line");
}

fn subscriber<W>(level: LogLevel, format: LogFormat, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    Registry::default().with(
        lines(format, writer)
            .with_filter(LevelFilter::from(level))
            .with_filter(filter_fn(|line| line.target().starts_with(OURS))),
    )
}

fn lines<S, W>(format: LogFormat, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    match format {
        LogFormat::Json => {
            let json = fmt::layer().json().flatten_event(true);
            json.with_current_span(false).with_span_list(false).with_writer(writer).boxed()
        }
        LogFormat::Text => fmt::layer().with_ansi(false).with_writer(writer).boxed(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use serde_json::Value;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written while something happens.
    fn written(level: LogLevel, format: LogFormat, happens: impl FnOnce()) -> String {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = subscriber(level, format, move || writer.clone());
        tracing::subscriber::with_default(subscriber, happens);
        let bytes = written.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_is_one_flat_object() {
        let text = written(LogLevel::Info, LogFormat::Json, || {
            tracing::warn!(namespace = "shop", count = 3, "some\nthing");
        });
        let line: Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["message"], "some\nthing");
        assert_eq!((line["namespace"].as_str(), line["count"].as_i64()), (Some("shop"), Some(3)));
        assert!(line["target"].as_str().unwrap().starts_with(OURS));
        line["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn only_this_project_speaks_at_any_level() {
        for format in [LogFormat::Json, LogFormat::Text] {
            let text = written(LogLevel::Debug, format, || {
                tracing::error!(target: "kube_client::client", "CANARY");
                tracing::debug!(target: "hyper::proto", "CANARY");
                tracing::info!(target: "aws_smithy_runtime", "CANARY");
                tracing::debug!(target: "extsecret_provider::aws", "ours");
                tracing::trace!(target: "extsecret_provider::aws", "CANARY");
            });
            assert!(text.contains("ours") && !text.contains("CANARY"), "{text}");
        }
    }

    #[test]
    fn a_level_hides_what_is_below_it() {
        let text = written(LogLevel::Warn, LogFormat::Text, || {
            tracing::warn!("seen");
            tracing::info!("unseen");
        });
        assert!(text.contains("seen") && !text.contains("unseen"), "{text}");
    }

    #[test]
    fn a_panic_says_where_and_not_what() {
        let text = written(LogLevel::Error, LogFormat::Json, || {
            let before = panic::take_hook();
            panic::set_hook(Box::new(tell_panic));
            let _ = panic::catch_unwind(|| panic!("CANARY"));
            panic::set_hook(before);
        });
        assert!(text.contains("logs.rs:") && !text.contains("CANARY"), "{text}");
    }

    #[test]
    fn levels_have_the_names_that_eso_takes() {
        for name in ["error", "dpanic", "panic", "fatal"] {
            assert_eq!(LogLevel::from_str(name, true), Ok(LogLevel::Error));
        }
        assert_eq!(LogLevel::from_str("DEBUG", true), Ok(LogLevel::Debug));
    }
}
