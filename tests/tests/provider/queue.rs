//! The queue of changes, read from the double's SQS.

use std::future::Future;
use std::time::Duration;

use extsecret_provider::events::queue::{Counts, Deliveries, Delivery, Health, Reader, Settings};
use extsecret_provider::events::{Kind, names_of};
use extsecret_provider::provider::ProviderError;
use extsecret_tests::aws::{Effect, Rule};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::place::*;
use crate::process::alone;
use crate::secrecy::Ear;

const RECEIVE: &str = "sqs:ReceiveMessage";
const DELETE: &str = "sqs:DeleteMessageBatch";
const HIDE: &str = "sqs:ChangeMessageVisibilityBatch";
const DEPTH: &str = "sqs:GetQueueAttributes";

/// The name of the queue.
const QUEUE: &str = "changes";

/// What happens is waited for so long: it is an error if it takes longer.
const SOON: Duration = Duration::from_secs(40);

/// How long a message is hidden by default.
const HIDDEN: Duration = Duration::from_mins(1);

/// A reader that runs.
struct Reading {
    deliveries: Deliveries,
    health: watch::Receiver<Health>,
    counts: watch::Receiver<Counts>,
    reader: JoinHandle<()>,
}

impl Reading {
    async fn next(&mut self) -> Delivery {
        timeout(SOON, self.deliveries.next()).await.unwrap().unwrap()
    }

    async fn counts(&mut self, are: impl FnMut(&Counts) -> bool) -> Counts {
        *timeout(SOON, self.counts.wait_for(are)).await.unwrap().unwrap()
    }

    async fn health(&mut self, is: impl FnMut(&Health) -> bool) -> Health {
        timeout(SOON, self.health.wait_for(is)).await.unwrap().unwrap().clone()
    }

    /// Until the queue has answered.
    async fn reachable(&mut self) -> Health {
        self.health(|health| health.reachable).await
    }

    /// Until it is known that the queue does not answer.
    async fn unreachable(&mut self) -> Health {
        self.health(|health| health.cause.is_some()).await
    }
}

/// Runs a test with credentials in the environment, and the reader on a thread of its own.
fn with_credentials<F: Future<Output = ()>>(name: &str, test: impl FnOnce(Place) -> F) {
    let admin = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];
    alone(&format!("queue::{name}"), &admin, || {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(test(Place::new()));
    });
}

fn settings(place: &Place) -> Settings {
    let url = format!("{}/{}/{QUEUE}", place.aws.endpoint(), place.aws.account());
    let endpoint = Some(place.aws.endpoint().to_owned());
    Settings { endpoint, region: Some("us-east-1".to_owned()), ..Settings::new(url) }
}

async fn read_with(place: &Place, settings: &Settings) -> Reading {
    let (reader, deliveries) = Reader::open(&place.provider, settings).await.unwrap();
    let (health, counts) = (reader.health(), reader.counts());
    Reading { deliveries, health, counts, reader: tokio::spawn(reader.run()) }
}

/// Reads a queue that gets the events of the secrets `app/db` and `app/other`: their labels move from
/// now on.
async fn read(place: &Place) -> Reading {
    for name in ["app/db", "app/other"] {
        place.aws.secrets().put(name, "old");
    }
    place.aws.queues().create(QUEUE);
    place.aws.queues().gets_native_events(QUEUE);
    let mut reading = read_with(place, &settings(place)).await;
    reading.reachable().await;
    reading
}

fn ready_and_busy(place: &Place) -> (usize, usize) {
    let (ready, busy, _) = place.aws.queues().counts(QUEUE);
    (ready, busy)
}

/// The event of a secret, as a message.
fn event(name: &str) -> String {
    let detail = json!({ "name": name, "labelUpdated": "AWSCURRENT", "versionId": "v" });
    json!({
        "detail-type": "Secret Label Updated",
        "source": "aws.secretsmanager",
        "account": "123456789012",
        "region": "us-east-1",
        "detail": detail,
    })
    .to_string()
}

#[test]
fn a_change_is_told_within_a_second_and_deleted_when_done() {
    with_credentials("a_change_is_told_within_a_second_and_deleted_when_done", async |place| {
        let mut reading = read(&place).await;
        // It waits for messages already: the first call only asks whether there are any.
        assert!(place.aws.counters().wait_for(RECEIVE, 1, SOON));
        let start = Instant::now();
        place.aws.secrets().put("app/db", "new");
        let delivery = reading.next().await;
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        assert!(delivery.noticed() >= start);
        let change = &delivery.changes()[0];
        assert_eq!((change.kind, change.region.as_str()), (Kind::Secret, "us-east-1"));
        assert_eq!(change.account, place.aws.account());
        assert!(names_of("app/db").iter().any(|name| change.names.contains(name)));
        // Others are deleted meanwhile, this one is not.
        place.aws.secrets().put("app/other", "new");
        reading.next().await.done();
        reading.counts(|counts| counts.deleted == 1).await;
        assert_eq!(ready_and_busy(&place), (0, 1));
        delivery.done();
        let counts = reading.counts(|counts| counts.deleted == 2).await;
        assert_eq!((counts.received, counts.under_way, counts.returned), (2, 0, 0));
        assert_eq!(ready_and_busy(&place), (0, 0));
    });
}

#[test]
fn both_events_of_cloudtrail_are_told() {
    with_credentials("both_events_of_cloudtrail_are_told", async |place| {
        place.aws.queues().create(QUEUE);
        place.aws.queues().gets_api_call_events(QUEUE);
        let mut reading = read_with(&place, &settings(&place)).await;
        // Through the API, as CloudTrail sees it.
        place.aws.secrets().put("app/db", "old");
        let delivery = reading.next().await;
        assert!(delivery.changes()[0].names.contains(&"app/db".to_owned()), "{delivery:?}");
        delivery.done();
        let arn = "arn:aws:secretsmanager:eu-west-1:210987654321:secret:app/rotated-a1B2c3";
        let rotated = |name: &str| {
            json!({
                "detail-type": "AWS Service Event via CloudTrail",
                "source": "aws.secretsmanager",
                "account": "210987654321",
                "region": "eu-west-1",
                "detail": { "eventName": name, "additionalEventData": { "SecretId": arn } },
            })
        };
        // What has only begun has changed nothing; it is not worth anybody's time.
        place.aws.queues().send(QUEUE, &rotated("RotationStarted").to_string());
        place.aws.queues().send(QUEUE, &rotated("RotationSucceeded").to_string());
        let delivery = reading.next().await;
        let change = delivery.changes()[0].clone();
        assert_eq!(change.names, ["app/rotated"]);
        assert_eq!((&*change.account, &*change.region), ("210987654321", "eu-west-1"));
        delivery.done();
        let counts = reading.counts(|counts| counts.deleted == 3).await;
        assert_eq!(counts.idle, 1);
        assert_eq!(ready_and_busy(&place), (0, 0));
    });
}

#[test]
fn what_is_dropped_comes_back() {
    with_credentials("what_is_dropped_comes_back", async |place| {
        let mut reading = read(&place).await;
        place.aws.secrets().put("app/db", "new");
        drop(reading.next().await);
        let counts = reading.counts(|counts| counts.returned == 1).await;
        assert_eq!((counts.under_way, counts.deleted), (0, 0));
        assert_eq!(ready_and_busy(&place), (0, 1), "not before its time");
        place.aws.clock().advance(HIDDEN);
        let again = reading.next().await;
        assert_eq!(again.changes()[0].names, ["app/db"]);
        again.done();
        reading.counts(|counts| counts.deleted == 1).await;
        assert_eq!(ready_and_busy(&place), (0, 0));
        assert_eq!(place.count(HIDE), 0);
    });
}

#[test]
fn what_takes_long_stays_hidden() {
    with_credentials("what_takes_long_stays_hidden", async |place| {
        place.aws.queues().create(QUEUE);
        let settings = Settings { hidden: Duration::from_secs(2), ..settings(&place) };
        let mut reading = read_with(&place, &settings).await;
        for name in ["a", "b"] {
            place.aws.queues().send(QUEUE, &event(name));
        }
        let deliveries = [reading.next().await, reading.next().await];
        // Every second: after four of them the first two seconds are long over.
        assert!(place.aws.counters().wait_for(HIDE, 4, SOON));
        assert_eq!(reading.counts.borrow().received, 2, "nobody got them again");
        assert_eq!(ready_and_busy(&place), (0, 2));
        deliveries.into_iter().for_each(Delivery::done);
        reading.counts(|counts| counts.deleted == 2).await;
        assert_eq!(ready_and_busy(&place), (0, 0));
    });
}

#[test]
fn what_nobody_understands_goes_to_the_dead_letters() {
    with_credentials("what_nobody_understands_goes_to_the_dead_letters", async |place| {
        let ear = Ear::default();
        tracing::subscriber::set_global_default(ear.clone()).unwrap();
        let queues = place.aws.queues();
        queues.create("dead");
        let url = queues.create(QUEUE);
        let dead = format!("arn:aws:sqs:us-east-1:{}:dead", place.aws.account());
        let policy = json!({ "deadLetterTargetArn": dead, "maxReceiveCount": 2 }).to_string();
        let attributes = json!({ "RedrivePolicy": policy });
        queues.act("SetQueueAttributes", &json!({ "QueueUrl": url, "Attributes": attributes }));
        queues.send(QUEUE, "canary-77aa0 is no event");
        queues.send(QUEUE, &json!({ "detail-type": "canary-77aa0" }).to_string());
        queues.send(QUEUE, &event("app/db"));
        let mut reading = read_with(&place, &settings(&place)).await;
        // The others are not kept from being told.
        reading.next().await.done();
        reading.counts(|counts| counts.unreadable == 2 && counts.deleted == 1).await;
        place.aws.clock().advance(HIDDEN);
        reading.counts(|counts| counts.unreadable == 4).await;
        assert_eq!(queues.counts("dead").0, 0);
        place.aws.clock().advance(HIDDEN);
        // Whoever receives next moves them; the message after them says that it has been done.
        queues.send(QUEUE, &event("app/db"));
        reading.next().await.done();
        assert_eq!(queues.counts("dead").0, 2);
        let counts = reading.counts(|counts| counts.deleted == 2).await;
        assert_eq!((counts.unreadable, counts.under_way), (4, 0));
        assert_eq!(ready_and_busy(&place), (0, 0));
        let heard = ear.0.lock().unwrap().clone();
        assert_eq!(heard.matches("a message is not understood").count(), 2, "{heard}");
        assert!(!heard.contains("canary"), "{heard}");
    });
}

#[test]
fn trouble_degrades_and_passes() {
    with_credentials("trouble_degrades_and_passes", async |place| {
        let mut reading = read(&place).await;
        for (category, effect) in [
            ("throttled", Effect::throttled()),
            ("transient", Effect::error(500, "InternalError", "An error occurred.")),
            ("transient", Effect::Gateway { status: 503 }),
            ("transient", Effect::Reset),
            ("denied", Effect::error(403, "AccessDenied", "no (RequestID: 1-2)")),
        ] {
            place.aws.faults().add(Rule::on(RECEIVE).effect(effect.clone()));
            // Answers the call that waits, if one does already.
            place.aws.secrets().put("app/db", "new");
            let health = reading.unreachable().await;
            let cause = health.cause.unwrap();
            assert!(!health.reachable);
            assert_eq!(cause.category(), category, "{effect:?}: {cause}");
            let text = cause.to_string();
            assert!(
                text.starts_with("AWS SQS ReceiveMessage of \"changes\" in us-east-1"),
                "{text}"
            );
            assert!(!text.contains("RequestID"), "{text}");
            place.aws.secrets().put("app/db", "newer");
            place.aws.faults().clear();
            assert_eq!(reading.reachable().await.cause, None);
            for _ in 0..2 {
                reading.next().await.done();
            }
        }
        reading.counts(|counts| counts.deleted == 10).await;
        assert!(!reading.reader.is_finished());
    });
}

#[test]
fn a_hitch_is_not_told() {
    with_credentials("a_hitch_is_not_told", async |place| {
        let mut reading = read(&place).await;
        let since = reading.health.borrow().since;
        place.aws.faults().add(Rule::on(RECEIVE).times(2).effect(Effect::Reset));
        for value in ["one", "two"] {
            place.aws.secrets().put("app/db", value);
            reading.next().await.done();
        }
        assert_eq!(reading.health.borrow().since, since);
        assert!(!reading.health.has_changed().unwrap());
        assert_eq!(place.aws.counters().outcomes(RECEIVE, "reset"), 2);
    });
}

#[test]
fn a_queue_that_is_not_there_may_come() {
    with_credentials("a_queue_that_is_not_there_may_come", async |place| {
        let mut reading = read_with(&place, &settings(&place)).await;
        let health = reading.unreachable().await;
        assert!(matches!(health.cause, Some(ProviderError::Invalid(_))), "{:?}", health.cause);
        place.aws.queues().create(QUEUE);
        reading.reachable().await;
        place.aws.queues().send(QUEUE, &event("app/db"));
        reading.next().await.done();
    });
}

#[test]
fn nobody_there_is_told_and_tried_again() {
    with_credentials("nobody_there_is_told_and_tried_again", async |place| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let settings = Settings { endpoint: Some(format!("http://{address}")), ..settings(&place) };
        let mut reading = read_with(&place, &settings).await;
        let health = reading.unreachable().await;
        assert_eq!(health.cause.unwrap().category(), "transient");
        assert!(!reading.reader.is_finished());
        drop(reading.deliveries);
        timeout(SOON, reading.reader).await.unwrap().unwrap();
    });
}

#[test]
fn deletions_go_together() {
    with_credentials("deletions_go_together", async |place| {
        let mut reading = read(&place).await;
        for number in 0..30 {
            place.aws.queues().send(QUEUE, &event(&number.to_string()));
        }
        let mut all = Vec::new();
        for _ in 0..30 {
            all.push(reading.next().await);
        }
        all.into_iter().for_each(Delivery::done);
        reading.counts(|counts| counts.deleted == 30).await;
        assert_eq!(ready_and_busy(&place), (0, 0));
        assert_eq!(place.count(DELETE), 3);
        let calls = place.provider.calls();
        let deletions = calls.iter().find(|calls| calls.call == "DeleteMessageBatch").unwrap();
        assert_eq!((deletions.provider, deletions.status), ("AWS/SQS", "success"));
        assert_eq!(deletions.number, 3);
    });
}

#[test]
fn what_cannot_be_deleted_comes_back() {
    with_credentials("what_cannot_be_deleted_comes_back", async |place| {
        let mut reading = read(&place).await;
        let broken = Effect::error(403, "AccessDenied", "not allowed");
        place.aws.faults().add(Rule::on(DELETE).times(1).effect(broken));
        place.aws.secrets().put("app/db", "new");
        reading.next().await.done();
        let counts = reading.counts(|counts| counts.undeleted == 1).await;
        assert_eq!((counts.deleted, counts.under_way), (0, 0));
        place.aws.clock().advance(HIDDEN);
        reading.next().await.done();
        reading.counts(|counts| counts.deleted == 1).await;
        assert_eq!(ready_and_busy(&place), (0, 0));
    });
}

#[test]
fn the_end_waits_for_what_is_under_way() {
    with_credentials("the_end_waits_for_what_is_under_way", async |place| {
        let mut reading = read(&place).await;
        place.aws.secrets().put("app/db", "new");
        let delivery = reading.next().await;
        drop(reading.deliveries);
        // Nothing is received any more, whatever comes.
        place.aws.secrets().put("app/other", "new");
        tokio::task::yield_now().await;
        assert!(!reading.reader.is_finished());
        delivery.done();
        timeout(SOON, reading.reader).await.unwrap().unwrap();
        let counts = *reading.counts.borrow();
        assert_eq!((counts.received, counts.deleted), (1, 1));
    });
}

#[test]
fn the_depth_is_known_unless_it_may_not_be() {
    with_credentials("the_depth_is_known_unless_it_may_not_be", async |place| {
        place.aws.queues().create(QUEUE);
        for _ in 0..3 {
            place.aws.queues().send(QUEUE, &event("app/db"));
        }
        let fault = place.aws.faults().add(Rule::on(RECEIVE).effect(Effect::Reset));
        let mut reading = read_with(&place, &settings(&place)).await;
        reading.counts(|counts| counts.depth == Some(3)).await;
        place.aws.faults().remove(fault);
        reading.next().await.done();
        assert_eq!(place.count(DEPTH), 1, "once a minute");
        drop(reading);

        place.aws.identities().deny("*", DEPTH, "*");
        let mut reading = read_with(&place, &settings(&place)).await;
        assert!(place.aws.counters().wait_for(DEPTH, 2, SOON));
        reading.reachable().await;
        place.aws.queues().send(QUEUE, &event("app/db"));
        reading.next().await.done();
        assert_eq!(reading.counts.borrow().depth, None);
    });
}

#[test]
fn settings_that_cannot_work_are_refused() {
    with_credentials("settings_that_cannot_work_are_refused", async |place| {
        let good = settings(&place);
        for wrong in [
            Settings { url: "changes".to_owned(), ..good.clone() },
            Settings { hidden: Duration::ZERO, ..good.clone() },
            Settings { region: Some("mars".to_owned()), ..good.clone() },
            // Neither the host nor the environment tells.
            Settings { region: None, ..good.clone() },
        ] {
            let error = Reader::open(&place.provider, &wrong).await.unwrap_err();
            assert_eq!(error.category(), "invalid", "{error}");
        }
        assert!(Reader::open(&place.provider, &good).await.is_ok());
    });
}
