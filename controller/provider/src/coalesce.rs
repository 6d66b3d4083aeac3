//! One call for many who ask.
//!
//! Whoever asks says from which moment on an answer is good enough. A call that began since then, is
//! about to begin, or has been answered and is still remembered, serves; otherwise one is queued. A
//! few workers take from the queue as much as one call may carry, so that a fleet that falls due
//! together shares calls without anybody having to wait for a batch to fill.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::provider::ProviderError;

/// Workers of one queue at most.
const WORKERS: usize = 12;

/// How long the first one waits for company.
const GATHER: Duration = Duration::from_millis(2);

/// Where answers come from.
pub(crate) trait Source: Send + Sync + 'static {
    /// What is asked for.
    type Key: Clone + Eq + Hash + Send + Sync + 'static;
    /// What comes back; cheap to clone.
    type Value: Clone + Send + Sync + 'static;
    /// The right to one call.
    type Turn: Send;

    /// Waits until a call may be made. `waiting` says how many keys there are at the moment.
    fn turn(&self, waiting: usize) -> impl Future<Output = Self::Turn> + Send;

    /// How many keys such a call takes.
    fn most(&self, turn: &Self::Turn) -> usize;

    /// Makes the call; an answer for each key, in order.
    fn read(
        &self,
        turn: Self::Turn,
        keys: &[Self::Key],
    ) -> impl Future<Output = Vec<Result<Self::Value, ProviderError>>> + Send;

    /// Bytes that a value occupies.
    fn size(&self, value: &Self::Value) -> usize;
}

type Answer<S> = Result<<S as Source>::Value, ProviderError>;

/// An answer, and when the call for it began.
type Dated<S> = Result<(<S as Source>::Value, Instant), ProviderError>;

/// How long and how much answers are remembered.
#[derive(Debug)]
pub(crate) struct Memory {
    /// How long.
    pub(crate) keep: Duration,
    /// Bytes of values at most, over all queues that share it.
    pub(crate) most: usize,
    /// Bytes of values now.
    pub(crate) used: AtomicUsize,
    /// Questions that were asked.
    pub(crate) asked: AtomicU64,
    /// Questions that went into a call.
    pub(crate) read: AtomicU64,
    /// Questions that another's call answers.
    pub(crate) shared: AtomicU64,
}

impl Memory {
    pub(crate) fn new(keep: Duration, most: usize) -> Self {
        Self {
            keep,
            most,
            used: AtomicUsize::new(0),
            asked: AtomicU64::new(0),
            read: AtomicU64::new(0),
            shared: AtomicU64::new(0),
        }
    }

    /// Takes room for a value; `None` if there is none.
    fn room(self: &Arc<Self>, size: usize) -> Option<Room> {
        let fits = |used: usize| used.checked_add(size).filter(|sum| *sum <= self.most);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).ok()?;
        Some(Room { memory: Arc::clone(self), size })
    }
}

/// Room for one value, given back when it is dropped.
struct Room {
    memory: Arc<Memory>,
    size: usize,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.memory.used.fetch_sub(self.size, Ordering::Relaxed);
    }
}

/// A queue of questions of one kind to one provider as one identity.
pub(crate) struct Coalescer<S: Source> {
    source: S,
    memory: Arc<Memory>,
    state: Mutex<State<S>>,
}

struct State<S: Source> {
    slots: HashMap<S::Key, Slot<S>>,
    queue: VecDeque<(S::Key, Arc<Job<S>>)>,
    workers: usize,
    is_swept: bool,
}

enum Slot<S: Source> {
    /// Queued, or on its way.
    Asked(Arc<Job<S>>),
    /// Answered.
    Known { began: Instant, until: Instant, answer: Answer<S>, _room: Room },
}

struct Job<S: Source> {
    /// When its call began.
    began: OnceLock<Instant>,
    answer: watch::Sender<Option<Dated<S>>>,
}

impl<S: Source> Coalescer<S> {
    pub(crate) fn new(source: S, memory: Arc<Memory>) -> Arc<Self> {
        let state =
            State { slots: HashMap::new(), queue: VecDeque::new(), workers: 0, is_swept: false };
        Arc::new(Self { source, memory, state: Mutex::new(state) })
    }

    pub(crate) fn source(&self) -> &S {
        &self.source
    }

    /// The answer of a call that began at `since` or later, and when it did begin. Dropping the future
    /// does not stop the call.
    pub(crate) async fn get(self: &Arc<Self>, key: S::Key, since: Instant) -> Dated<S> {
        self.memory.asked.fetch_add(1, Ordering::Relaxed);
        let mut answer = {
            let now = Instant::now();
            let mut state = self.lock();
            match state.slots.get(&key) {
                Some(Slot::Known { began, until, answer, .. })
                    if *began >= since && now < *until =>
                {
                    self.memory.shared.fetch_add(1, Ordering::Relaxed);
                    return answer.clone().map(|value| (value, *began));
                }
                Some(Slot::Asked(job)) if job.began.get().is_none_or(|began| *began >= since) => {
                    self.memory.shared.fetch_add(1, Ordering::Relaxed);
                    job.answer.subscribe()
                }
                _ => {
                    let job =
                        Arc::new(Job { began: OnceLock::new(), answer: watch::Sender::new(None) });
                    let answer = job.answer.subscribe();
                    state.slots.insert(key.clone(), Slot::Asked(Arc::clone(&job)));
                    state.queue.push_back((key, job));
                    if state.workers < WORKERS {
                        state.workers += 1;
                        tokio::spawn(Arc::clone(self).work());
                    }
                    answer
                }
            }
        };
        match answer.wait_for(Option::is_some).await {
            Ok(answer) => answer.as_ref().map_or_else(|| Err(interrupted()), Clone::clone),
            Err(_) => Err(interrupted()),
        }
    }

    async fn work(self: Arc<Self>) {
        let _worker = Worker(&self);
        tokio::time::sleep(GATHER).await;
        loop {
            let waiting = self.lock().queue.len();
            if waiting == 0 {
                return;
            }
            let turn = self.source.turn(waiting).await;
            let batch = self.take(self.source.most(&turn));
            if batch.jobs.is_empty() {
                return;
            }
            let answers = self.source.read(turn, &batch.keys).await;
            batch.publish(answers);
        }
    }

    fn take(self: &Arc<Self>, most: usize) -> Batch<'_, S> {
        let now = Instant::now();
        let mut state = self.lock();
        let many = state.queue.len().min(most.max(1));
        let (keys, jobs): (Vec<_>, Vec<_>) = state.queue.drain(..many).unzip();
        for job in &jobs {
            let _ = job.began.set(now);
        }
        self.memory.read.fetch_add(u64::try_from(many).unwrap_or_default(), Ordering::Relaxed);
        Batch { coalescer: self, began: now, keys, jobs }
    }

    fn settle(
        self: &Arc<Self>,
        key: &S::Key,
        job: &Arc<Job<S>>,
        began: Instant,
        answer: Answer<S>,
    ) {
        let known = match &answer {
            Ok(value) => self.memory.room(self.source.size(value)),
            Err(error) if error.is_an_answer() => self.memory.room(0),
            Err(_) => None,
        };
        let until = Instant::now() + self.memory.keep;
        let mut state = self.lock();
        // A later question may have taken the place of this one.
        let is_own =
            matches!(state.slots.get(key), Some(Slot::Asked(own)) if Arc::ptr_eq(own, job));
        let mut sweeps = false;
        if is_own {
            match known {
                Some(room) => {
                    let answer = answer.clone();
                    let slot = Slot::Known { began, until, answer, _room: room };
                    state.slots.insert(key.clone(), slot);
                    sweeps = !std::mem::replace(&mut state.is_swept, true);
                }
                None => {
                    state.slots.remove(key);
                }
            }
        }
        drop(state);
        if sweeps {
            tokio::spawn(sweep(Arc::downgrade(self), until));
        }
        job.answer.send_replace(Some(answer.map(|value| (value, began))));
    }

    /// Forgets what is too old; returns when to come again.
    fn forget(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut state = self.lock();
        state.slots.retain(|_, slot| !matches!(slot, Slot::Known { until, .. } if *until <= now));
        let known = state.slots.values().filter_map(|slot| match slot {
            Slot::Known { until, .. } => Some(*until),
            Slot::Asked(_) => None,
        });
        let next = known.min();
        state.is_swept = next.is_some();
        // A burst of questions must not hold its memory for good.
        if state.slots.capacity() > 4 * state.slots.len() + 64 {
            state.slots.shrink_to_fit();
        }
        next
    }

    fn lock(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets remembered values go when their time is over, also if nobody asks any more.
async fn sweep<S: Source>(coalescer: Weak<Coalescer<S>>, first: Instant) {
    let mut next = first;
    loop {
        tokio::time::sleep_until(next).await;
        let Some(coalescer) = coalescer.upgrade() else { return };
        match coalescer.forget() {
            Some(moment) => next = moment.max(Instant::now() + Duration::from_secs(1)),
            None => return,
        }
    }
}

/// Counts a worker for as long as it lives, also if it panics.
struct Worker<'a, S: Source>(&'a Arc<Coalescer<S>>);

impl<S: Source> Drop for Worker<'_, S> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.workers = state.workers.saturating_sub(1);
        // Somebody may have asked between the last look and now, counting on this one.
        if !state.queue.is_empty()
            && state.workers == 0
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            state.workers += 1;
            runtime.spawn(Arc::clone(self.0).work());
        }
    }
}

/// Keys of one call. Dropped without answers, as when the call panics, it tells those who wait.
struct Batch<'a, S: Source> {
    coalescer: &'a Arc<Coalescer<S>>,
    began: Instant,
    keys: Vec<S::Key>,
    jobs: Vec<Arc<Job<S>>>,
}

impl<S: Source> Batch<'_, S> {
    fn publish(mut self, answers: Vec<Answer<S>>) {
        let mut answers = answers.into_iter();
        for (key, job) in self.keys.drain(..).zip(self.jobs.drain(..)) {
            let answer = answers.next().unwrap_or_else(|| Err(interrupted()));
            self.coalescer.settle(&key, &job, self.began, answer);
        }
    }
}

impl<S: Source> Drop for Batch<'_, S> {
    fn drop(&mut self) {
        for (key, job) in self.keys.drain(..).zip(self.jobs.drain(..)) {
            self.coalescer.settle(&key, &job, self.began, Err(interrupted()));
        }
    }
}

fn interrupted() -> ProviderError {
    ProviderError::Transient("the call ended without an answer".to_owned())
}

#[cfg(test)]
mod tests;
