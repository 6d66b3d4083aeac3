use std::future::pending;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard};

use http_body_util::BodyExt as _;
use hyper::{Method, Request, Response};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::advance;

use super::*;

/// An API server that knows one Lease.
#[derive(Default)]
struct Server {
    lease: Option<Value>,
    version: u64,
    trouble: Option<Trouble>,
    /// A write that is done, and whose answer is lost.
    lose_answer: bool,
}

#[derive(Clone, Copy)]
enum Trouble {
    Refuses,
    Hangs,
}

type Shared = Arc<Mutex<Server>>;

fn at(server: &Shared) -> MutexGuard<'_, Server> {
    server.lock().unwrap()
}

impl Server {
    fn answer(&mut self, method: &Method, body: &[u8]) -> Result<Value, (u16, &'static str)> {
        let sent: Value = serde_json::from_slice(body).unwrap_or_default();
        let current = self.lease.as_ref().map(|it| it["metadata"]["resourceVersion"].clone());
        match (method.as_str(), &current) {
            ("GET", _) => return self.lease.clone().ok_or((404, "NotFound")),
            ("POST", None) => {}
            ("POST", Some(_)) => return Err((409, "AlreadyExists")),
            ("PUT", None) => return Err((404, "NotFound")),
            ("PUT", Some(version)) if *version == sent["metadata"]["resourceVersion"] => {}
            ("PUT", Some(_)) => return Err((409, "Conflict")),
            _ => panic!("{method}"),
        }
        self.store(sent);
        Ok(self.lease.clone().unwrap())
    }

    fn store(&mut self, mut lease: Value) {
        self.version += 1;
        lease["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.lease = Some(lease);
    }

    fn spec(&self) -> &Value {
        &self.lease.as_ref().unwrap()["spec"]
    }

    fn edit(&mut self, edit: impl FnOnce(&mut Value)) {
        let mut lease = self.lease.clone().unwrap();
        edit(&mut lease);
        self.store(lease);
    }
}

fn client(server: &Shared) -> Client {
    let server = Arc::clone(server);
    let service = tower::service_fn(move |request: Request<Body>| {
        let server = Arc::clone(&server);
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let trouble = at(&server).trouble;
            let answer = match trouble {
                Some(Trouble::Hangs) => pending().await,
                Some(Trouble::Refuses) => Err((503, "ServiceUnavailable")),
                None => at(&server).answer(&head.method, &body),
            };
            if head.method == Method::PUT && std::mem::take(&mut at(&server).lose_answer) {
                return pending().await;
            }
            let (code, body) = match answer {
                Ok(lease) => (200, lease),
                Err((code, reason)) => {
                    let status = json!({ "kind": "Status", "code": code, "reason": reason });
                    (code, status)
                }
            };
            let answer =
                Response::builder().status(code).body(Body::from(body.to_string().into_bytes()));
            Ok::<_, std::convert::Infallible>(answer.unwrap())
        }
    });
    Client::new(service, "default")
}

/// Another time whenever it is asked, as that of a machine.
fn clock() -> Timestamp {
    static NOW: AtomicI64 = AtomicI64::new(1_000_000);
    Timestamp::from_microsecond(NOW.fetch_add(1, Ordering::Relaxed)).unwrap()
}

async fn acquire(server: &Shared, identity: &str) -> Leadership {
    Leadership::acquire(client(server), "default", "ours", identity, clock).await.unwrap()
}

/// How long it takes until the Lease is held.
async fn acquired_after(server: &Shared, identity: &str) -> (Leadership, Duration) {
    let begun = Instant::now();
    let leadership = acquire(server, identity).await;
    (leadership, begun.elapsed())
}

/// A Lease of somebody who is not there any more.
fn left_behind(server: &Shared, spec: &Value) {
    at(server).store(json!({ "metadata": { "name": "ours" }, "spec": spec }));
}

#[tokio::test(start_paused = true)]
async fn the_first_takes_it_at_once_and_says_so() {
    let server = Shared::default();
    let (_a, took) = acquired_after(&server, "a").await;
    assert_eq!(took, Duration::ZERO);
    let server = at(&server);
    let time = server.spec()["renewTime"].clone();
    assert!(time.as_str().unwrap().starts_with("1970-01-01T00:00:01."), "{time}");
    let expected = json!({
        "holderIdentity": "a", "leaseDurationSeconds": 15, "leaseTransitions": 0,
        "acquireTime": time, "renewTime": time,
    });
    assert_eq!(*server.spec(), expected);
}

#[tokio::test(start_paused = true)]
async fn it_is_kept_for_as_long_as_it_is_renewed() {
    let server = Shared::default();
    let mut a = acquire(&server, "a").await;
    let b = acquire(&server, "b");
    tokio::select! {
        _ = b => panic!("two lead"),
        () = a.lost() => panic!("lost"),
        () = sleep(Duration::from_mins(10)) => {}
    }
    let renewals = at(&server).version;
    assert!((290..=301).contains(&renewals), "{renewals}");
}

#[tokio::test(start_paused = true)]
async fn what_is_released_is_taken_at_the_next_look() {
    let server = Shared::default();
    let a = acquire(&server, "a").await;
    let other = Arc::clone(&server);
    let b = tokio::spawn(async move { acquire(&other, "b").await });
    sleep(Duration::from_secs(7)).await;
    a.release().await;
    let begun = Instant::now();
    let _b = b.await.unwrap();
    assert!(begun.elapsed() <= Duration::from_millis(2500), "{:?}", begun.elapsed());
    let server = at(&server);
    assert_eq!(server.spec()["holderIdentity"], "b");
    assert_eq!(server.spec()["leaseTransitions"], 1);
    assert_eq!(server.spec()["leaseDurationSeconds"], 15);
}

#[tokio::test(start_paused = true)]
async fn one_whose_holder_died_is_taken_when_it_has_run_out() {
    let server = Shared::default();
    // Neither a clock that is ahead nor one that is behind counts.
    for renewed in ["2001-01-01T00:00:00.000000Z", "2201-01-01T00:00:00.000000Z"] {
        left_behind(
            &server,
            &json!({ "holderIdentity": "a", "leaseDurationSeconds": 30, "renewTime": renewed }),
        );
        let (_b, took) = acquired_after(&server, "b").await;
        let expected = Duration::from_secs(30)..Duration::from_millis(32_600);
        assert!(expected.contains(&took), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_identity_goes_on_at_once() {
    let server = Shared::default();
    drop(acquire(&server, "pod-1").await);
    let (_again, took) = acquired_after(&server, "pod-1").await;
    assert_eq!(took, Duration::ZERO);
    assert_eq!(at(&server).spec()["leaseTransitions"], 0);
}

#[tokio::test(start_paused = true)]
async fn who_cannot_renew_stops_before_another_may_begin() {
    for trouble in [Trouble::Refuses, Trouble::Hangs] {
        let server = Shared::default();
        let mut a = acquire(&server, "a").await;
        sleep(Duration::from_millis(4_500)).await;
        let begun = Instant::now();
        at(&server).trouble = Some(trouble);
        a.lost().await;
        let took = begun.elapsed();
        let expected = Duration::from_secs(8)..=Duration::from_secs(10);
        assert!(expected.contains(&took), "{took:?}");
        // Asking again neither hangs nor panics.
        a.lost().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_absence_of_the_server_is_survived() {
    let server = Shared::default();
    let mut a = acquire(&server, "a").await;
    for trouble in [Trouble::Refuses, Trouble::Hangs] {
        at(&server).trouble = Some(trouble);
        tokio::time::timeout(Duration::from_secs(4), a.lost()).await.unwrap_err();
        at(&server).trouble = None;
        tokio::time::timeout(Duration::from_mins(1), a.lost()).await.unwrap_err();
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_the_whole_process_ends_it() {
    let server = Shared::default();
    let mut a = acquire(&server, "a").await;
    let before = at(&server).version;
    advance(Duration::from_secs(20)).await;
    a.lost().await;
    // It does not write first and think then.
    assert_eq!(at(&server).version, before);
}

#[tokio::test(start_paused = true)]
async fn one_that_another_has_is_lost_and_left_alone() {
    let server = Shared::default();
    let mut a = acquire(&server, "a").await;
    at(&server).edit(|lease| lease["spec"]["holderIdentity"] = json!("b"));
    let begun = Instant::now();
    a.lost().await;
    assert!(begun.elapsed() <= PERIOD, "{:?}", begun.elapsed());
    let before = at(&server).version;
    a.release().await;
    assert_eq!(at(&server).version, before);
    assert_eq!(at(&server).spec()["holderIdentity"], "b");
}

#[tokio::test(start_paused = true)]
async fn changes_of_others_and_lost_answers_are_no_loss() {
    let server = Shared::default();
    let mut a = acquire(&server, "a").await;
    at(&server).edit(|lease| lease["metadata"]["labels"] = json!({ "team": "shop" }));
    tokio::time::timeout(Duration::from_secs(30), a.lost()).await.unwrap_err();
    assert_eq!(at(&server).lease.as_ref().unwrap()["metadata"]["labels"]["team"], "shop");
    at(&server).lose_answer = true;
    tokio::time::timeout(Duration::from_secs(30), a.lost()).await.unwrap_err();
    at(&server).lease = None;
    tokio::time::timeout(Duration::from_secs(30), a.lost()).await.unwrap_err();
    assert_eq!(at(&server).spec()["holderIdentity"], "a");
    // A renewal that has arrived although its answer has not: giving up reads before it writes.
    at(&server).lose_answer = true;
    sleep(PERIOD).await;
    a.release().await;
    assert_eq!(at(&server).spec()["holderIdentity"], "");
}

#[tokio::test(start_paused = true)]
async fn a_release_does_not_hold_up_the_end() {
    let server = Shared::default();
    let a = acquire(&server, "a").await;
    at(&server).trouble = Some(Trouble::Hangs);
    let begun = Instant::now();
    a.release().await;
    assert!(begun.elapsed() <= PATIENCE);
}

#[tokio::test(start_paused = true)]
async fn the_server_may_be_away_at_the_start() {
    let server = Shared::default();
    at(&server).trouble = Some(Trouble::Hangs);
    let other = Arc::clone(&server);
    let a = tokio::spawn(async move { acquire(&other, "a").await });
    sleep(Duration::from_mins(5)).await;
    assert!(!a.is_finished());
    at(&server).trouble = None;
    let begun = Instant::now();
    a.await.unwrap();
    assert!(begun.elapsed() <= PATIENCE + Duration::from_millis(2500));
}

#[tokio::test]
async fn eso_keeps_its_own() {
    let server = Shared::default();
    let refused = Leadership::acquire(client(&server), "default", ESO_LEASE, "a", clock).await;
    assert!(refused.unwrap_err().to_string().contains("choose another name"));
    assert!(at(&server).lease.is_none());
}
