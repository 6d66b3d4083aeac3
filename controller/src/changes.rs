//! Changes that AWS tells of through a queue: who has to be looked at for each, and when its message may
//! be forgotten.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use extsecret_crds::provider::aws::{AwsProvider, AwsService};
use extsecret_provider::aws::Aws;
use extsecret_provider::events::queue::{Deliveries, Delivery, Health, Reader, Settings};
use extsecret_provider::events::{Change, Kind};
use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::args::Args;
use crate::queue::Trigger;
use crate::reconcile::Context;
use crate::system;

/// How long a message is kept for those who fail at what it tells.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long messages that are under way have to be deleted at the end.
const GRACE: Duration = Duration::from_secs(5);

/// A queue that is ready to be read.
pub(crate) struct Queue {
    reader: Reader,
    deliveries: Deliveries,
}

impl Queue {
    /// The queue of the flags, if there is one.
    ///
    /// # Errors
    /// If it could never be read.
    pub(crate) async fn open(args: &Args, aws: &Aws) -> anyhow::Result<Option<Self>> {
        let Some(url) = &args.events_queue_url else { return Ok(None) };
        let mut settings = Settings::new(url);
        settings.endpoint.clone_from(&args.sqs_endpoint);
        let opened = Reader::open(aws, &settings).await;
        let (reader, deliveries) = opened.context("--events-queue-url cannot be read")?;
        Ok(Some(Self { reader, deliveries }))
    }

    /// Whether it can be read.
    pub(crate) fn health(&self) -> watch::Receiver<Health> {
        self.reader.health()
    }

    /// Begins to read it.
    pub(crate) fn start(self, context: &Arc<Context>) -> Reading {
        let Self { reader, deliveries } = self;
        let mut tasks = JoinSet::new();
        tasks.spawn(tell(Arc::clone(context), reader.health()));
        let mut counts = reader.counts();
        let counted = Arc::clone(context);
        tasks.spawn(async move {
            while counts.changed().await.is_ok() {
                let counts = *counts.borrow_and_update();
                counted.metrics.messages(counts.depth);
                counted.metrics.unmapped(counts.idle, counts.unreadable);
            }
        });
        let followed = Arc::clone(context);
        let (stop, stopped) = watch::channel(false);
        tasks.spawn(async move {
            tokio::join!(reader.run(), follow(&followed, deliveries, stopped));
        });
        Reading { tasks, stop }
    }
}

/// A queue that is being read.
pub(crate) struct Reading {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Reading {
    /// Reads no more, and deletes what has been done.
    pub(crate) async fn end(mut self) {
        self.stop.send_replace(true);
        let rest = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(GRACE, rest).await.is_err() {
            tracing::info!(
                "messages that are under way come back, to whoever reads the queue then"
            );
        }
    }
}

/// Whether a value that has changed is read through such a store, and if so, whether its account is the
/// one that keys without an account mean.
pub(crate) fn is_own(aws: &AwsProvider, change: &Change) -> Option<bool> {
    let kind = match aws.service {
        AwsService::SecretsManager => Kind::Secret,
        AwsService::ParameterStore => Kind::Parameter,
        _ => return None,
    };
    if kind != change.kind || aws.region != change.region {
        return None;
    }
    // Without a role nobody says which account it is: to look once too often harms nobody.
    let account = aws.role.as_deref().and_then(|role| role.split(':').nth(4));
    Some(account.is_none_or(|account| account == change.account))
}

async fn follow(context: &Context, mut deliveries: Deliveries, mut stopped: watch::Receiver<bool>) {
    let mut under_way = FuturesUnordered::new();
    let mut stop = std::pin::pin!(stopped.wait_for(|stopped| *stopped));
    loop {
        tokio::select! {
            // What is dropped comes back.
            _ = &mut stop => return,
            delivery = deliveries.next() => match delivery {
                Some(delivery) => under_way.push(handle(context, delivery)),
                None => return,
            },
            Some(()) = under_way.next() => {}
        }
    }
}

/// Has everybody looked at who reads what changed, and deletes the message when that went well.
async fn handle(context: &Context, delivery: Delivery) {
    let trigger = Trigger::told(delivery.noticed());
    let mut looks = Vec::new();
    for change in delivery.changes() {
        let readers = context.cache.readers_of(change);
        let result = if readers.is_empty() { "unread" } else { "mapped" };
        context.metrics.mapped(change.shape.name(), result);
        tracing::debug!(
            names = change.names.join(", "),
            region = change.region,
            readers = readers.len(),
            "AWS tells of a change"
        );
        let seen_to = |key| async move { context.work.see_to(&key, trigger).await };
        looks.extend(readers.into_iter().map(seen_to));
    }
    // What takes longer comes back, and makes room for others.
    if timeout(PATIENCE, join_all(looks)).await.is_ok() {
        delivery.done();
    }
}

/// Has the stores say when the queue cannot be read any more, and when it can again.
async fn tell(context: Arc<Context>, mut health: watch::Receiver<Health>) {
    let mut before = true;
    while health.changed().await.is_ok() {
        let health = health.borrow_and_update().clone();
        // At first nobody knows.
        let now = health.reachable || health.cause.is_none();
        if now == before {
            continue;
        }
        before = now;
        match &health.cause {
            Some(cause) if !now => {
                tracing::warn!(%cause, "the queue of changes cannot be read: changes are found by polling");
            }
            _ => tracing::info!("the queue of changes can be read"),
        }
        let stores =
            context.cache.wake_stores(system::instant(), |_, spec| spec.provider.aws.is_some());
        context.work.wake(stores);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use extsecret_provider::events::Shape;

    use super::*;

    fn change() -> Change {
        Change {
            shape: Shape::LabelUpdated,
            kind: Kind::Secret,
            account: "111122223333".to_owned(),
            region: "eu-central-1".to_owned(),
            names: vec!["app/db".to_owned()],
            version: None,
        }
    }

    fn own(aws: serde_json::Value) -> Option<bool> {
        is_own(&serde_json::from_value(aws).unwrap(), &change())
    }

    #[test]
    fn a_store_is_meant_by_service_region_and_account() {
        let secrets = "SecretsManager";
        let region = "eu-central-1";
        assert_eq!(own(json!({ "service": secrets, "region": region })), Some(true));
        assert_eq!(own(json!({ "service": "ParameterStore", "region": region })), None);
        assert_eq!(own(json!({ "service": secrets, "region": "us-east-1" })), None);
        let role = |account: &str| format!("arn:aws:iam::{account}:role/reader");
        let with = |account: &str| {
            own(json!({ "service": secrets, "region": region, "role": role(account) }))
        };
        assert_eq!(with("111122223333"), Some(true));
        assert_eq!(with("444455556666"), Some(false), "only ARNs mean the other account");
    }
}
