//! Sends notices to whoever restarts workloads instead, signed. Nobody waits for whoever gets them: what
//! cannot be brought in time is counted, and an Event has told of it already.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use extsecret_restart::notice::{DELIVERY, Notice, SIGNATURE, signature};
use hyper::{Method, Request, Uri, header};
use kube::client::Body;
use kube::{Client, Config};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use crate::metrics::Metrics;

/// The variable with the key, where no file holds it.
pub(super) const KEY: &str = "EXTSECRET_RESTART_NOTIFY_KEY";
/// Notices that wait for their turn; what comes then is dropped.
const MOST: usize = 1000;
/// Notices that are being brought at once.
const AT_ONCE: usize = 8;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pauses between the attempts at one notice.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
];

/// Where the key of signatures is.
#[derive(Clone)]
pub(super) enum Source {
    /// Read for each attempt, so that a new key counts at once.
    File(PathBuf),
    Given(SigningKey),
}

/// What notices are signed with.
#[derive(Clone)]
pub(crate) struct SigningKey(Arc<Zeroizing<Vec<u8>>>);

impl SigningKey {
    #[expect(clippy::unnecessary_wraps, reason = "the type that clap wants")]
    pub(super) fn parse(text: &str) -> Result<Self, Infallible> {
        Ok(Self(Arc::new(Zeroizing::new(text.as_bytes().to_vec()))))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl Source {
    fn read(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let mut key = match self {
            Self::Given(key) => Zeroizing::new(key.0.to_vec()),
            Self::File(file) => {
                let read = std::fs::read(file).map(Zeroizing::new);
                read.map_err(|error| format!("{} cannot be read: {error}", file.display()))?
            }
        };
        // An editor puts a line end there that nobody means.
        while key.last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
            key.pop();
        }
        if key.is_empty() { Err("it is empty".to_owned()) } else { Ok(key) }
    }
}

/// Who gets notices.
#[derive(Clone)]
pub(crate) struct Webhook {
    client: Client,
    /// Host and port, for messages: the rest may be as secret as a password.
    place: Arc<str>,
    target: Uri,
    key: Source,
}

/// Takes notices, and gives them to the task that brings them.
#[derive(Clone)]
pub(crate) struct Notifier {
    to: mpsc::Sender<Notice>,
    metrics: Arc<Metrics>,
}

impl Webhook {
    /// One that gets signed notices by `POST` at this URL.
    ///
    /// # Errors
    /// If there is no key, or the URL is none, or no client can be made for it.
    pub(super) fn new(url: &str, key: Option<Source>) -> anyhow::Result<Self> {
        // The URL is not shown: a part of it may be a password.
        let form = "--restart-notify-url has to begin with https:// or http:// and a host";
        let uri: Uri = url.parse().ok().context(form)?;
        let (Some("http" | "https"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            bail!(form);
        };
        if authority.as_str().contains('@') {
            bail!(
                "--restart-notify-url holds a user: whoever gets a notice knows its sender by the signature"
            );
        }
        let place = authority.as_str().into();
        let scheme = uri.scheme_str().unwrap_or_default();
        let target = uri.path_and_query().map_or("/", |it| it.as_str()).parse();
        let base: Uri = format!("{scheme}://{authority}").parse()?;
        let mut config = Config::new(base);
        config.default_retry = false;
        let client = Client::try_from(config)
            .with_context(|| format!("cannot get ready to send notices to {authority}"))?;
        let key = key.ok_or_else(|| "there is none".to_owned());
        let key = key.and_then(|key| key.read().map(|_| key)).map_err(|cause| {
            anyhow::anyhow!(
                "--restart-notify-url needs a key to sign with, and {cause}: give \
                 --restart-notify-key-file, or set {KEY}"
            )
        })?;
        Ok(Self { client, place, target: target?, key })
    }

    /// Starts to bring what it is given.
    pub(crate) fn start(self, metrics: Arc<Metrics>) -> Notifier {
        let (to, from) = mpsc::channel(MOST);
        tokio::spawn(self.run(from, Arc::clone(&metrics)));
        Notifier { to, metrics }
    }

    async fn run(self, mut from: mpsc::Receiver<Notice>, metrics: Arc<Metrics>) {
        let mut under_way = JoinSet::new();
        let mut open = true;
        while open || !under_way.is_empty() {
            tokio::select! {
                notice = from.recv(), if open && under_way.len() < AT_ONCE => match notice {
                    Some(notice) => {
                        let (this, metrics) = (self.clone(), Arc::clone(&metrics));
                        under_way.spawn(async move { this.bring(&notice, &metrics).await });
                    }
                    None => open = false,
                },
                Some(_) = under_way.join_next() => {}
            }
        }
    }

    /// Brings one, in a few attempts.
    async fn bring(&self, notice: &Notice, metrics: &Metrics) {
        let body = notice.body();
        let mut pauses = VecDeque::from(PAUSES);
        let (id, place) = (&notice.id, &*self.place);
        loop {
            let tried = tokio::time::timeout(PATIENCE, self.send(notice, &body)).await;
            let late = || Err(format!("it does not answer within {} s", PATIENCE.as_secs()));
            let Err(cause) = tried.unwrap_or_else(|_| late()) else {
                tracing::info!(id, place, "a notice of restarts was sent");
                count(metrics, "sent");
                return;
            };
            let Some(pause) = pauses.pop_front() else {
                tracing::warn!(
                    id,
                    place,
                    cause,
                    "a notice of restarts was not taken; its Events tell of it"
                );
                count(metrics, "failed");
                return;
            };
            tracing::warn!(
                id,
                place,
                cause,
                "a notice of restarts was not taken; it is sent again"
            );
            tokio::time::sleep(pause).await;
        }
    }

    async fn send(&self, notice: &Notice, body: &[u8]) -> Result<(), String> {
        let key = self.key.read()?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.target.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("extsecret-controller/", env!("CARGO_PKG_VERSION")))
            .header(DELIVERY, &notice.id)
            .header(SIGNATURE, signature(&key, body))
            .body(Body::from(body.to_vec()))
            .map_err(|error| format!("no request can be made: {error}"))?;
        // What the client says may quote the URL.
        let answer = self.client.send(request).await;
        let status = answer.map_err(|_| "it cannot be reached".to_owned())?.status();
        if status.is_success() { Ok(()) } else { Err(format!("it answers {}", status.as_u16())) }
    }
}

impl Notifier {
    /// Takes a notice, and never waits.
    pub(super) fn send(&self, notice: Notice) {
        let Err(TrySendError::Full(notice) | TrySendError::Closed(notice)) =
            self.to.try_send(notice)
        else {
            return;
        };
        tracing::warn!(id = notice.id, "too many notices of restarts wait; its Events tell of it");
        count(&self.metrics, "dropped");
    }
}

fn count(metrics: &Metrics, result: &'static str) {
    metrics.restarts(|all| *all.notices.entry(result).or_default() += 1);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use extsecret_restart::notice::notices;
    use extsecret_restart::notice::{Due, News};
    use extsecret_restart::pace::Id;
    use jiff::Timestamp;

    use super::*;

    fn notice() -> Notice {
        let workload = Id {
            namespace: "shop".into(),
            name: "web".into(),
            kind: extsecret_restart::kinds::Kind::Deployment,
        };
        let secrets = BTreeMap::from([("db".into(), News::default())]);
        let due = Due { workload, secrets, marker: "m".into() };
        notices(Timestamp::UNIX_EPOCH, [due], |_| "id".to_owned()).remove(0)
    }

    fn counted(metrics: &Metrics) -> BTreeMap<&'static str, u64> {
        let mut counted = BTreeMap::new();
        metrics.restarts(|all| counted.clone_from(&all.notices));
        counted
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_takes_is_given_up_and_counted() {
        // Nobody listens there any more.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        // As the process does when it begins; who was first, does not matter.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let key = SigningKey::parse("key").unwrap();
        let webhook = Webhook::new(&url, Some(Source::Given(key))).unwrap();
        let metrics = Metrics::default();
        webhook.bring(&notice(), &metrics).await;
        assert_eq!(counted(&metrics), BTreeMap::from([("failed", 1)]));
    }

    #[test]
    fn what_has_no_place_is_dropped_and_counted() {
        let (to, _from) = mpsc::channel(1);
        let notifier = Notifier { to, metrics: Arc::default() };
        notifier.send(notice());
        assert_eq!(counted(&notifier.metrics), BTreeMap::new());
        notifier.send(notice());
        assert_eq!(counted(&notifier.metrics), BTreeMap::from([("dropped", 1)]));
    }

    #[test]
    fn a_key_is_never_shown() {
        let key = SigningKey::parse("CANARY").unwrap();
        assert!(!format!("{key:?}").contains("CANARY"));
    }
}
