//! A queue of SQS that changes are told through, read with the process's own credentials.
//!
//! ```text
//! SQS ─▶ Reader::run ─▶ Deliveries ─▶ whoever refreshes ─▶ Delivery::done ─▶ deleted
//!              │                              └─ dropped ─▶ comes back, in the end to the
//!              └─ no event ─▶ left where it is              queue's dead letters
//! ```
//!
//! A message is deleted after what it caused has finished, so a crash loses nothing; while that takes
//! its time, the message is kept hidden from others. A queue that cannot be read harms nobody:
//! [`Health`] tells, and the reader tries until it can.

mod under_way;

use std::pin::Pin;
use std::slice;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use futures::Stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::Instant;

use self::under_way::{Held, News, UnderWay};
use super::{Change, parse};
use crate::aws::{Address, Aws, BATCH, Message, Sqs, WAIT};
use crate::provider::{Clock, ProviderError, Random};

/// Messages that are worked on at once, at most. With more, the queue is the better place for them.
const MOST: usize = 1000;

/// Messages that wait for whoever takes them from [`Deliveries`].
const WAITING: usize = 64;

/// Failures in a row, or the time that they take, after which a queue counts as unreachable.
const FAILURES: u32 = 3;
const SILENCE: Duration = Duration::from_secs(30);

/// What the first pause after a failure is drawn from; the next are each twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// An answer without messages that comes sooner than this was not waited for, as it was asked to be.
const EARLY: Duration = Duration::from_secs(1);

/// What the last pause is drawn from: after so long at most it is noticed that a queue is back.
const LAST_PAUSE: Duration = Duration::from_secs(30);

/// How often the queue is asked for its depth.
const MEASURE: Duration = Duration::from_mins(1);

/// For how long a message is hidden, unless it is told otherwise.
const HIDDEN: Duration = Duration::from_mins(1);

/// The limits of SQS for it.
const HIDDEN_RANGE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_hours(12));

/// Which queue, and how to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The URL of the queue.
    pub url: String,
    /// Address to use instead of AWS's own: `AWS_SQS_ENDPOINT`, as the others are named. The SDK's
    /// `AWS_ENDPOINT_URL_SQS` and `AWS_ENDPOINT_URL` count where it is not set.
    pub endpoint: Option<String>,
    /// The region, if neither the host of the URL tells it nor the SDK's settings do.
    pub region: Option<String>,
    /// For how long a message is hidden from others at a time, in whole seconds from 1 second to
    /// 12 hours. It is renewed as long as it is worked on; after a crash, or if a [`Delivery`] is
    /// dropped, it takes so long until the message comes back.
    pub hidden: Duration,
}

impl Settings {
    /// The queue with this URL, and the rest as usual.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), endpoint: None, region: None, hidden: HIDDEN }
    }
}

/// Whether the queue can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether it answers. It does not before it has done so for the first time.
    pub reachable: bool,
    /// Since when, by the process's clock.
    pub since: SystemTime,
    /// Why it is not reachable; `None` as well as long as nobody knows. It is the same as long as
    /// the cause is the same, and fit for a condition.
    pub cause: Option<ProviderError>,
}

/// What became of messages since the start, and the depth of the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Received, repeated ones included.
    pub received: u64,
    /// Not understood, and left to the queue's dead letters.
    pub unreadable: u64,
    /// Understood, and about nothing that changed.
    pub idle: u64,
    /// Dropped without being done, and left to come back.
    pub returned: u64,
    /// Deleted.
    pub deleted: u64,
    /// Done, but they could not be deleted, so that they come back.
    pub undeleted: u64,
    /// Worked on at the moment, those that are being deleted included.
    pub under_way: u64,
    /// About how many wait in the queue; `None` as long as it does not say.
    pub depth: Option<u64>,
}

/// A message that says what changed.
///
/// To drop it without [`done`](Self::done) leaves the message to come back; too often, and the queue
/// moves it to its dead letters.
#[must_use = "a delivery that is dropped comes back"]
#[derive(Debug)]
pub struct Delivery {
    change: Change,
    noticed: Instant,
    receipt: Receipt,
}

impl Delivery {
    /// What changed.
    pub fn changes(&self) -> &[Change] {
        slice::from_ref(&self.change)
    }

    /// When the message came in. A value that was read before is no answer to it: the `since` of a
    /// [`Window`](crate::provider::Window).
    pub fn noticed(&self) -> Instant {
        self.noticed
    }

    /// What it caused has finished: the message is deleted.
    pub fn done(mut self) {
        self.receipt.end(News::Done);
    }
}

/// Tells what became of a message, once.
#[derive(Debug)]
struct Receipt {
    number: u64,
    news: Option<mpsc::UnboundedSender<News>>,
}

impl Receipt {
    fn end(&mut self, how: impl FnOnce(u64) -> News) {
        if let Some(news) = self.news.take() {
            // Without a reader nobody keeps the message hidden, and it comes back.
            let _ = news.send(how(self.number));
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.end(News::Left);
    }
}

/// Where deliveries come out. To drop it stops the reader.
#[derive(Debug)]
pub struct Deliveries(mpsc::Receiver<Delivery>);

impl Deliveries {
    /// The next one; `None` if the reader is gone.
    pub async fn next(&mut self) -> Option<Delivery> {
        self.0.recv().await
    }
}

impl Stream for Deliveries {
    type Item = Delivery;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        self.0.poll_recv(context)
    }
}

/// Reads one queue.
#[must_use = "nothing is read before it runs"]
pub struct Reader {
    sqs: Sqs,
    clock: Clock,
    random: Random,
    hidden: Duration,
    health: watch::Sender<Health>,
    counts: watch::Sender<Counts>,
    deliveries: mpsc::Sender<Delivery>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "reader of the queue {}", self.sqs.name())
    }
}

impl Reader {
    /// Gets ready to read a queue with the process's own credentials. The queue is not asked for
    /// anything yet.
    ///
    /// # Errors
    /// If the settings are wrong, so that no queue could ever be read with them.
    pub async fn open(aws: &Aws, settings: &Settings) -> Result<(Self, Deliveries), ProviderError> {
        let hidden = settings.hidden;
        if hidden < HIDDEN_RANGE.0 || hidden > HIDDEN_RANGE.1 {
            return Err(ProviderError::Invalid(format!(
                "messages cannot be hidden for {hidden:?}: use 1 second to 12 hours"
            )));
        }
        let address = Address::parse(&settings.url, settings.region.as_deref())?;
        let sqs = aws.sqs(address, settings.endpoint.as_deref()).await?;
        let (clock, random) = (aws.clock(), aws.random());
        let health = Health { reachable: false, since: clock(), cause: None };
        let (deliveries, out) = mpsc::channel(WAITING);
        let reader = Self {
            sqs,
            clock,
            random,
            hidden: Duration::from_secs(hidden.as_secs()),
            health: watch::Sender::new(health),
            counts: watch::Sender::default(),
            deliveries,
        };
        Ok((reader, Deliveries(out)))
    }

    /// Whether the queue can be read, now and each time that changes.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// What became of messages, now and each time that changes; the last of it stays when the reader
    /// is gone.
    pub fn counts(&self) -> watch::Receiver<Counts> {
        self.counts.subscribe()
    }

    /// Reads until [`Deliveries`] is dropped. Then no more messages are received, and it ends as
    /// soon as all that were taken are done or dropped, and deleted or left. To drop it earlier
    /// loses nothing: what is not deleted comes back.
    pub async fn run(self) {
        let (news, heard) = mpsc::unbounded_channel();
        let under_way = UnderWay::new(&self.sqs, &self.counts, self.hidden, heard);
        tokio::join!(self.poll(news), self.measure(), under_way.run());
    }

    async fn poll(&self, news: mpsc::UnboundedSender<News>) {
        let slots = Arc::new(Semaphore::new(MOST));
        let mut number = 0;
        let mut trouble = Trouble::default();
        // Without waiting, until it is known that the queue answers.
        let mut wait = Duration::ZERO;
        loop {
            let receive = async {
                let many = u32::try_from(BATCH).unwrap_or(1);
                let slots = Arc::clone(&slots).acquire_many_owned(many).await.ok();
                (slots, Instant::now(), self.sqs.receive(wait, self.hidden).await)
            };
            let (slots, began, answer) = tokio::select! {
                biased;
                () = self.deliveries.closed() => return,
                received = receive => received,
            };
            let pause = match answer {
                Ok(messages) => {
                    self.is_reachable();
                    let is_early = messages.is_empty() && began.elapsed() < EARLY.min(wait);
                    if let Some(slots) = slots {
                        self.deliver(messages, slots, &mut number, &news).await;
                    }
                    wait = WAIT;
                    trouble.answered(is_early, &self.random)
                }
                Err(error) => {
                    drop(slots);
                    wait = Duration::ZERO;
                    let pause = trouble.failed(began, &error, &self.random);
                    if trouble.is_lasting(&error) {
                        self.is_unreachable(error);
                    }
                    pause
                }
            };
            if !pause.is_zero() {
                tokio::select! {
                    () = self.deliveries.closed() => return,
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }
    }

    /// Hands over what changed. All messages are known to be under way before the first is handed
    /// over, so that they stay hidden however long that takes.
    async fn deliver(
        &self,
        messages: Vec<Message>,
        mut slots: OwnedSemaphorePermit,
        number: &mut u64,
        news: &mpsc::UnboundedSender<News>,
    ) {
        let noticed = Instant::now();
        let mut deliveries = Vec::with_capacity(messages.len());
        for message in messages {
            self.counts.send_modify(|counts| counts.received += 1);
            let change = match parse(&message.body) {
                Ok(change) => change,
                Err(error) => {
                    self.counts.send_modify(|counts| counts.unreadable += 1);
                    let (queue, id) = (self.sqs.name(), &message.id);
                    // It will be back, and told once.
                    if message.received > 1 {
                        tracing::debug!(queue, id, %error, "a message is still not understood");
                    } else {
                        tracing::warn!(queue, id, %error, "a message is not understood; it is left");
                    }
                    continue;
                }
            };
            let Some(slot) = slots.split(1) else { continue };
            *number += 1;
            let held = Held::new(message.receipt, slot, noticed, self.hidden);
            let _ = news.send(News::Taken(*number, held));
            let mut receipt = Receipt { number: *number, news: Some(news.clone()) };
            if let Some(change) = change {
                deliveries.push(Delivery { change, noticed, receipt });
            } else {
                self.counts.send_modify(|counts| counts.idle += 1);
                receipt.end(News::Done);
            }
        }
        for delivery in deliveries {
            // What nobody takes any more comes back.
            let _ = self.deliveries.send(delivery).await;
        }
    }

    /// Asks for the depth now and then. It is for show: a queue that does not tell is still read.
    async fn measure(&self) {
        loop {
            let depth = async {
                let depth = self.sqs.depth().await;
                if let Err(error) = &depth {
                    tracing::debug!(queue = self.sqs.name(), %error, "the depth is not known");
                }
                self.counts.send_modify(|counts| counts.depth = depth.ok());
                tokio::time::sleep(MEASURE).await;
            };
            tokio::select! {
                biased;
                () = self.deliveries.closed() => return,
                () = depth => {}
            }
        }
    }

    fn is_reachable(&self) {
        let became = self.health.send_if_modified(|health| {
            let became = !health.reachable;
            if became {
                *health = Health { reachable: true, since: (self.clock)(), cause: None };
            }
            became
        });
        if became {
            tracing::info!(queue = self.sqs.name(), "the queue can be read");
        }
    }

    fn is_unreachable(&self, error: ProviderError) {
        let text = error.to_string();
        let became = self.health.send_if_modified(|health| {
            if health.reachable {
                *health = Health { reachable: false, since: (self.clock)(), cause: Some(error) };
                return true;
            }
            let is_new = health.cause.as_ref() != Some(&error);
            health.cause = Some(error);
            is_new
        });
        if became {
            tracing::warn!(
                queue = self.sqs.name(),
                error = text,
                "the queue cannot be read; changes are noticed by polling only"
            );
        }
    }
}

/// A row of calls that did not do what they are for.
#[derive(Debug, Default)]
struct Trouble {
    failures: u32,
    /// When the first of those failures began.
    since: Option<Instant>,
    /// Answers in a row that came at once and with nothing.
    early: u32,
}

impl Trouble {
    /// There was an answer. Returns how long to wait before the next call: somebody in between may
    /// answer without waiting for messages, and would be asked without end.
    fn answered(&mut self, is_early: bool, random: &Random) -> Duration {
        let early = if is_early { self.early.saturating_add(1) } else { 0 };
        *self = Self { early, ..Self::default() };
        if early == 0 { Duration::ZERO } else { pause(early, random) }
    }

    /// There was none from the call that began then. Returns how long to wait before the next.
    fn failed(&mut self, began: Instant, error: &ProviderError, random: &Random) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.since.get_or_insert(began);
        let pause = pause(self.failures, random);
        match error {
            ProviderError::Throttled { retry_after: Some(after), .. } => {
                pause.max((*after).min(LAST_PAUSE))
            }
            _ => pause,
        }
    }

    /// Whether it is more than a hitch.
    fn is_lasting(&self, error: &ProviderError) -> bool {
        !matches!(error, ProviderError::Transient(_) | ProviderError::Throttled { .. })
            || self.failures >= FAILURES
            || self.since.is_some_and(|since| since.elapsed() >= SILENCE)
    }
}

/// How long to wait for the nth time: at least half of what grows, so that no chance makes it
/// nothing.
fn pause(nth: u32, random: &Random) -> Duration {
    let doubled = 1_u32 << nth.saturating_sub(1).min(16);
    let most = FIRST_PAUSE.saturating_mul(doubled).min(LAST_PAUSE);
    most.mul_f64(0.5 + random().clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transient() -> ProviderError {
        ProviderError::Transient("reset".to_owned())
    }

    fn throttled(retry_after: Option<Duration>) -> ProviderError {
        ProviderError::Throttled { message: String::new(), retry_after }
    }

    /// What there is after so many failures, and how long the last one makes it wait.
    fn failed(many: u32, error: &ProviderError, random: f64) -> (Trouble, Duration) {
        let random: Random = Arc::new(move || random);
        let mut trouble = Trouble { failures: many - 1, ..Trouble::default() };
        let pause = trouble.failed(Instant::now(), error, &random);
        (trouble, pause)
    }

    #[test]
    fn pauses_grow_up_to_a_limit_and_are_spread() {
        let pause = |many, random| failed(many, &transient(), random).1;
        assert_eq!(pause(1, 0.0), FIRST_PAUSE / 2);
        assert_eq!(pause(1, 1.0), FIRST_PAUSE);
        assert_eq!(pause(3, 1.0), FIRST_PAUSE * 4);
        assert_eq!(pause(u32::MAX, 0.0), LAST_PAUSE / 2);
        assert_eq!(pause(u32::MAX, 1.0), LAST_PAUSE);
    }

    #[test]
    fn the_queue_may_say_when_to_come_back() {
        let told = |seconds| failed(1, &throttled(Some(Duration::from_secs(seconds))), 0.0).1;
        assert_eq!(told(9), Duration::from_secs(9));
        assert_eq!(told(9999), LAST_PAUSE, "within reason");
    }

    #[test]
    fn a_hitch_is_no_outage() {
        let is_lasting = |many, error: &ProviderError| failed(many, error, 0.0).0.is_lasting(error);
        for hitch in [transient(), throttled(None)] {
            assert!(!is_lasting(FAILURES - 1, &hitch));
            assert!(is_lasting(FAILURES, &hitch));
            let mut trouble = Trouble::default();
            trouble.failed(Instant::now() - SILENCE, &hitch, &(Arc::new(|| 0.0) as Random));
            assert!(trouble.is_lasting(&hitch), "it took its time");
        }
        assert!(is_lasting(1, &ProviderError::Denied(String::new())));
    }

    #[test]
    fn answers_that_nobody_waited_for_are_not_asked_for_without_end() {
        let random: Random = Arc::new(|| 1.0);
        let mut trouble = Trouble::default();
        assert_eq!(trouble.answered(false, &random), Duration::ZERO);
        assert_eq!(trouble.answered(true, &random), FIRST_PAUSE);
        assert_eq!(trouble.answered(true, &random), FIRST_PAUSE * 2);
        assert_eq!(trouble.answered(false, &random), Duration::ZERO);
        assert_eq!(trouble.answered(true, &random), FIRST_PAUSE);
    }
}
