use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Mutex;

use http_body_util::BodyExt as _;
use hyper::{Request, Response};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;

/// A status and a body; the status 0 stands for no answer at all.
type Answer = (u16, Value);

/// What an API server answers to the n-th event that is posted.
type Answers = dyn Fn(usize) -> Answer + Send + Sync;

const SILENCE: Answer = (0, Value::Null);

#[derive(Default)]
struct Posted {
    all: Vec<(String, Value)>,
    under_way: usize,
    most_at_once: usize,
}

type Server = Arc<Mutex<Posted>>;

fn start(answers: Box<Answers>) -> (Recorder, Server, Arc<Metrics>) {
    let server = Server::default();
    let posted = Arc::clone(&server);
    let answers = Arc::new(answers);
    let service = tower::service_fn(move |request: Request<Body>| {
        let (posted, answers) = (Arc::clone(&posted), Arc::clone(&answers));
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let number = {
                let mut posted = posted.lock().unwrap();
                let event = serde_json::from_slice(&body).unwrap();
                posted.all.push((head.uri.path().to_owned(), event));
                posted.under_way += 1;
                posted.most_at_once = posted.most_at_once.max(posted.under_way);
                posted.all.len()
            };
            tokio::task::yield_now().await;
            sleep(Duration::from_millis(1)).await;
            posted.lock().unwrap().under_way -= 1;
            let (code, answer) = answers(number);
            if code == 0 {
                return pending().await;
            }
            let body = Body::from(answer.to_string().into_bytes());
            let answer = Response::builder().status(code).body(body);
            Ok::<_, std::convert::Infallible>(answer.unwrap())
        }
    });
    let metrics = Arc::<Metrics>::default();
    let client = Client::new(service, "default");
    let recorder = Recorder::start(client, Arc::clone(&metrics), || Timestamp::UNIX_EPOCH);
    (recorder, server, metrics)
}

fn created() -> Answer {
    (201, json!({ "metadata": {}, "involvedObject": {} }))
}

fn refused(code: u16, reason: &str) -> Answer {
    (code, json!({ "kind": "Status", "code": code, "reason": reason }))
}

fn web() -> v1::ObjectReference {
    let text = |text: &str| Some(text.to_owned());
    v1::ObjectReference {
        api_version: text("external-secrets.io/v1"),
        kind: text("ExternalSecret"),
        namespace: text("shop"),
        name: text("web"),
        uid: text("1-2-3"),
        resource_version: text("7"),
        ..v1::ObjectReference::default()
    }
}

fn dropped(metrics: &Metrics) -> String {
    let text = metrics.encode().collect::<String>();
    let line = text.lines().find_map(|line| line.strip_prefix("extsecret_events_dropped_total "));
    line.unwrap().to_owned()
}

const LONG: Duration = Duration::from_mins(10);

#[tokio::test(start_paused = true)]
async fn an_event_says_what_people_and_tools_look_for() {
    let (recorder, server, metrics) = start(Box::new(|_| created()));
    recorder.record(web(), Event::created());
    let store = v1::ObjectReference { namespace: None, name: Some("aws".to_owned()), ..web() };
    recorder.record(store, Event::deleted());
    assert_eq!(recorder.flush(LONG).await, 0);
    let posted = server.lock().unwrap();
    let expected = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": { "name": "web.1", "namespace": "shop" },
        "involvedObject": {
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "namespace": "shop",
            "name": "web", "uid": "1-2-3", "resourceVersion": "7",
        },
        "type": "Normal", "reason": "Created", "message": "secret created", "count": 1,
        "source": { "component": "extsecret-controller" },
        "reportingComponent": "extsecret-controller",
        "firstTimestamp": "1970-01-01T00:00:00Z", "lastTimestamp": "1970-01-01T00:00:00Z",
    });
    let [(path, event), (other, about_store)] = &posted.all[..] else { panic!("two events") };
    assert_eq!((path.as_str(), event), ("/api/v1/namespaces/shop/events", &expected));
    assert_eq!(other, "/api/v1/namespaces/default/events");
    assert_eq!(about_store["metadata"]["namespace"], "default");
    assert_eq!(dropped(&metrics), "0");
}

#[tokio::test(start_paused = true)]
async fn thousands_are_written_a_few_at_once_and_none_is_named_twice() {
    let (recorder, server, metrics) = start(Box::new(|_| created()));
    for _ in 0..5000 {
        recorder.record(web(), Event::updated());
    }
    assert_eq!(recorder.flush(LONG).await, 0);
    let posted = server.lock().unwrap();
    let names: BTreeSet<_> =
        posted.all.iter().map(|(_, it)| it["metadata"]["name"].to_string()).collect();
    assert_eq!((posted.all.len(), names.len()), (5000, 5000));
    assert_eq!(posted.most_at_once, AT_ONCE);
    assert_eq!(dropped(&metrics), "0");
}

#[tokio::test(start_paused = true)]
async fn what_has_no_place_is_counted() {
    let (recorder, _server, metrics) = start(Box::new(|_| SILENCE));
    for _ in 0..WAITING + 3 {
        recorder.record(web(), Event::updated());
    }
    assert_eq!(dropped(&metrics), "3");
    assert_eq!(recorder.flush(Duration::from_secs(1)).await, WAITING);
    // The process ends.
    assert_eq!(dropped(&metrics), (WAITING + 3).to_string());
}

#[tokio::test(start_paused = true)]
async fn trouble_that_passes_costs_no_event() {
    let answers = |number| match number {
        1 => refused(500, "InternalError"),
        2 => refused(429, "TooManyRequests"),
        3 => SILENCE,
        _ => created(),
    };
    let (recorder, server, metrics) = start(Box::new(answers));
    recorder.record(web(), Event::updated());
    assert_eq!(recorder.flush(LONG).await, 0);
    let posted = server.lock().unwrap();
    assert_eq!((posted.all.len(), dropped(&metrics).as_str()), (4, "0"));
    // It is the same event each time, so that it is never there twice.
    assert!(posted.all.iter().all(|it| *it == posted.all[0]));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_there_already_was_written() {
    let answers = |number| if number == 1 { SILENCE } else { refused(409, "AlreadyExists") };
    let (recorder, server, metrics) = start(Box::new(answers));
    recorder.record(web(), Event::updated());
    assert_eq!(recorder.flush(LONG).await, 0);
    assert_eq!((server.lock().unwrap().all.len(), dropped(&metrics).as_str()), (2, "0"));
}

#[tokio::test(start_paused = true)]
async fn trouble_that_stays_is_counted_in_the_end() {
    let (recorder, server, metrics) = start(Box::new(|_| refused(503, "ServiceUnavailable")));
    let begun = Instant::now();
    recorder.record(web(), Event::updated());
    assert_eq!(recorder.flush(LONG).await, 0);
    assert_eq!((server.lock().unwrap().all.len(), dropped(&metrics).as_str()), (5, "1"));
    assert!(begun.elapsed() >= Duration::from_secs(21), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_helped_is_tried_once() {
    let terminating = json!({
        "kind": "Status", "code": 403, "reason": "Forbidden",
        "details": { "causes": [{ "reason": "NamespaceTerminating" }] },
    });
    for answer in [
        refused(404, "NotFound"),
        refused(403, "Forbidden"),
        refused(422, "Invalid"),
        (403, terminating),
    ] {
        let (recorder, server, metrics) = start(Box::new(move |_| answer.clone()));
        recorder.record(web(), Event::updated());
        assert_eq!(recorder.flush(LONG).await, 0);
        assert_eq!((server.lock().unwrap().all.len(), dropped(&metrics).as_str()), (1, "1"));
    }
}

#[test]
fn names_are_names_however_long_the_object_s_is() {
    assert_eq!(event_name("web", 0x18b_c0de), "web.18bc0de");
    let name = event_name(&"a".repeat(253), i64::MAX);
    assert_eq!(name.len(), 253);
    let name = event_name(&format!("{}-.-{}", "a".repeat(233), "b".repeat(17)), i64::MAX);
    assert_eq!(name, format!("{}.7fffffffffffffff", "a".repeat(233)));
}
