//! Messages that somebody works on: they are kept hidden until they are done, and then deleted,
//! many with one call.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::Counts;
use crate::aws::{BATCH, Sqs};
use crate::provider::ProviderError;

/// How long the first of a batch waits for others before they are deleted.
const GATHER: Duration = Duration::from_millis(50);

/// What there is to know about a message. Numbers are the reader's own: a message that comes back
/// is another one.
#[derive(Debug)]
pub(super) enum News {
    /// It was received.
    Taken(u64, Held),
    /// What it caused has finished.
    Done(u64),
    /// Nobody works on it any more.
    Left(u64),
}

/// A message that is hidden from others.
#[derive(Debug)]
pub(super) struct Held {
    receipt: String,
    hidden_until: Instant,
    /// When to hide it again; `None` while that is under way, or of no use any more.
    again_at: Option<Instant>,
    _slot: OwnedSemaphorePermit,
}

impl Held {
    pub(super) fn new(
        receipt: String,
        slot: OwnedSemaphorePermit,
        received: Instant,
        hidden: Duration,
    ) -> Self {
        let hidden_until = received + hidden;
        Self { receipt, hidden_until, again_at: Some(received + hidden / 2), _slot: slot }
    }
}

/// A call that has ended.
enum Ended {
    Deleted(usize, Result<Vec<(usize, ProviderError)>, ProviderError>),
    Hidden {
        numbers: Vec<u64>,
        began: Instant,
        answer: Result<Vec<(usize, ProviderError)>, ProviderError>,
    },
}

/// All messages that somebody works on.
pub(super) struct UnderWay<'a> {
    sqs: &'a Sqs,
    counts: &'a watch::Sender<Counts>,
    hidden: Duration,
    heard: mpsc::UnboundedReceiver<News>,
    held: HashMap<u64, Held>,
    /// By when they have to be hidden again. It may name some that are gone or were put off.
    due: BTreeSet<(Instant, u64)>,
    done: Vec<Held>,
    /// When what is done is deleted.
    delete_at: Option<Instant>,
    calls: FuturesUnordered<BoxFuture<'a, Ended>>,
}

impl<'a> UnderWay<'a> {
    pub(super) fn new(
        sqs: &'a Sqs,
        counts: &'a watch::Sender<Counts>,
        hidden: Duration,
        heard: mpsc::UnboundedReceiver<News>,
    ) -> Self {
        Self {
            sqs,
            counts,
            hidden,
            heard,
            held: HashMap::new(),
            due: BTreeSet::new(),
            done: Vec::new(),
            delete_at: None,
            calls: FuturesUnordered::new(),
        }
    }

    /// Runs until nobody can bring news any more and all calls have ended.
    pub(super) async fn run(mut self) {
        let mut is_open = true;
        while is_open || !self.calls.is_empty() {
            let next_hiding = self.due.first().map(|(at, _)| *at);
            let next = self.delete_at.into_iter().chain(next_hiding).min();
            tokio::select! {
                news = self.heard.recv(), if is_open => {
                    is_open = news.is_some();
                    match news {
                        Some(news) => self.hear(news),
                        None => self.delete(),
                    }
                }
                Some(ended) = self.calls.next(), if !self.calls.is_empty() => self.ended(ended),
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                    let now = Instant::now();
                    if self.delete_at.is_some_and(|at| at <= now) {
                        self.delete();
                    }
                    self.hide(now);
                }
            }
        }
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Taken(number, held) => {
                self.counts.send_modify(|counts| counts.under_way += 1);
                self.due.extend(held.again_at.map(|at| (at, number)));
                self.held.insert(number, held);
            }
            News::Left(number) => {
                if self.held.remove(&number).is_some() {
                    self.counts.send_modify(|counts| {
                        counts.returned += 1;
                        counts.under_way = counts.under_way.saturating_sub(1);
                    });
                }
            }
            News::Done(number) => {
                let Some(held) = self.held.remove(&number) else { return };
                self.done.push(held);
                if self.done.len() >= BATCH {
                    self.delete();
                } else {
                    self.delete_at.get_or_insert_with(|| Instant::now() + GATHER);
                }
            }
        }
    }

    /// Deletes what is done.
    fn delete(&mut self) {
        self.delete_at = None;
        let mut done = std::mem::take(&mut self.done).into_iter();
        loop {
            let batch: Vec<Held> = done.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return;
            }
            let sqs = self.sqs;
            self.calls.push(Box::pin(async move {
                let receipts: Vec<String> = batch.iter().map(|held| held.receipt.clone()).collect();
                // Their slots are free when they are gone, so that no more pile up than may.
                Ended::Deleted(batch.len(), sqs.delete(&receipts).await)
            }));
        }
    }

    /// Hides again what is due.
    fn hide(&mut self, now: Instant) {
        // Those that are due soon go with those that are due now.
        let until = now + self.hidden / 8;
        if self.due.first().is_none_or(|(at, _)| *at > now) {
            return;
        }
        let mut all = Vec::new();
        while self.due.first().is_some_and(|(at, _)| *at <= until) {
            let Some((at, number)) = self.due.pop_first() else { break };
            if let Some(held) = self.held.get_mut(&number)
                && held.again_at == Some(at)
            {
                held.again_at = None;
                all.push((number, held.receipt.clone()));
            }
        }
        for batch in all.chunks(BATCH) {
            let (numbers, receipts): (Vec<u64>, Vec<String>) = batch.iter().cloned().unzip();
            let (sqs, hidden) = (self.sqs, self.hidden);
            self.calls.push(Box::pin(async move {
                let began = Instant::now();
                let answer = sqs.hide(&receipts, hidden).await;
                Ended::Hidden { numbers, began, answer }
            }));
        }
    }

    fn ended(&mut self, ended: Ended) {
        match ended {
            Ended::Deleted(many, answer) => {
                let (failed, error) = match answer {
                    Ok(failed) => (failed.len(), failed.into_iter().next().map(|(_, error)| error)),
                    Err(error) => (many, Some(error)),
                };
                let count = |many: usize| u64::try_from(many).unwrap_or(u64::MAX);
                self.counts.send_modify(|counts| {
                    counts.deleted += count(many.saturating_sub(failed));
                    counts.undeleted += count(failed);
                    counts.under_way = counts.under_way.saturating_sub(count(many));
                });
                if let Some(error) = error {
                    let queue = self.sqs.name();
                    tracing::warn!(queue, %error, failed, "messages that are done come back");
                }
            }
            Ended::Hidden { numbers, began, answer } => {
                let (failed, error) = match &answer {
                    Ok(failed) => (failed.as_slice(), failed.first().map(|(_, error)| error)),
                    Err(error) => (&[][..], Some(error)),
                };
                if let Some(error) = error {
                    let queue = self.sqs.name();
                    tracing::debug!(queue, %error, "messages could not be kept hidden");
                }
                let now = Instant::now();
                for (index, number) in numbers.into_iter().enumerate() {
                    let Some(held) = self.held.get_mut(&number) else { continue };
                    if answer.is_err() {
                        // Worth trying until it is visible again anyway.
                        let again = now + self.hidden / 8;
                        held.again_at = Some(again).filter(|again| *again < held.hidden_until);
                    } else if !failed.iter().any(|(other, _)| *other == index) {
                        held.hidden_until = began + self.hidden;
                        held.again_at = Some(began + self.hidden / 2);
                    }
                    self.due.extend(held.again_at.map(|at| (at, number)));
                }
            }
        }
    }
}
