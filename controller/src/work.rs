//! The queue between those who notice and those who work.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Instant;

use crate::cache::Wakes;
use crate::key::Key;
use crate::queue::{Queue, Trigger};

/// The queue, and a bell.
#[derive(Debug, Default)]
pub(crate) struct Work {
    queue: Mutex<Queue>,
    bell: Notify,
    waiters: Mutex<HashMap<Key, Vec<Waiter>>>,
}

/// Somebody who wants to know when a look that began after `since` is over.
#[derive(Debug)]
struct Waiter {
    since: Instant,
    tell: oneshot::Sender<bool>,
}

impl Work {
    /// The queue.
    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These have to be looked at.
    pub(crate) fn wake(&self, wakes: Wakes) {
        if wakes.is_empty() {
            return;
        }
        let mut queue = self.queue();
        for (key, trigger) in wakes {
            queue.add(&key, trigger);
        }
        drop(queue);
        self.bell.notify_one();
    }

    /// `key` has to be looked at for `trigger`. It ends when that has gone well, however often it has to
    /// be tried.
    pub(crate) async fn see_to(&self, key: &Key, trigger: Trigger) {
        let mut told = self.tell(key, trigger.since);
        self.wake(vec![(key.clone(), trigger)]);
        while told.await != Ok(true) {
            told = self.tell(key, trigger.since);
        }
    }

    /// Tells of the next look at `key` for something that happened after `since` whether it went well.
    fn tell(&self, key: &Key, since: Instant) -> oneshot::Receiver<bool> {
        let (tell, told) = oneshot::channel();
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = waiters.entry(key.clone()).or_default();
        // Of those who have stopped listening nothing shall be left.
        waiting.retain(|waiter| !waiter.tell.is_closed());
        waiting.push(Waiter { since, tell });
        told
    }

    /// `key` was looked at for `trigger`.
    pub(crate) fn looked(&self, key: &Key, trigger: Trigger, went_well: bool) {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(waiting) = waiters.get_mut(key) else { return };
        for waiter in waiting.extract_if(.., |waiter| waiter.since <= trigger.since) {
            // Whoever does not listen any more has no need to know.
            let _ = waiter.tell.send(went_well);
        }
        if waiting.is_empty() {
            waiters.remove(key);
        }
    }

    /// Waits until something was added.
    pub(crate) async fn rung(&self) {
        self.bell.notified().await;
    }
}

/// The room for looks at objects: as many as this are busy at once, and those that wait for a
/// provider make room for others meanwhile. One account that is slow harms nobody who reads from
/// another.
pub(crate) struct Room {
    places: Arc<Semaphore>,
    work: Arc<Work>,
}

impl Room {
    pub(crate) fn new(places: usize, work: Arc<Work>) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), work }
    }

    /// A place, if there is one.
    pub(crate) fn enter(&self) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Place {
            permit: Some(permit),
            places: Arc::clone(&self.places),
            work: Arc::clone(&self.work),
        })
    }

    /// Whether there is none.
    pub(crate) fn is_full(&self) -> bool {
        self.places.available_permits() == 0
    }
}

/// One place.
pub(crate) struct Place {
    permit: Option<OwnedSemaphorePermit>,
    places: Arc<Semaphore>,
    work: Arc<Work>,
}

impl Place {
    /// Makes room while `others` work, and has a place again afterwards.
    pub(crate) async fn wait_for<T>(&mut self, others: impl Future<Output = T>) -> T {
        let mut others = std::pin::pin!(others);
        // Most answers are in memory, and worth no bell.
        if let Some(answer) = others.as_mut().now_or_never() {
            return answer;
        }
        self.permit = None;
        self.work.bell.notify_one();
        let answer = others.await;
        // It is never closed.
        self.permit = Arc::clone(&self.places).acquire_owned().await.ok();
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::key::Kind;
    use crate::queue::{Next, Urgency};

    #[tokio::test(start_paused = true)]
    async fn only_a_look_at_the_change_that_went_well_is_an_answer_to_it() {
        let work = Work::default();
        let key = Key::new(Kind::ExternalSecret, "shop", "web");
        let before = Instant::now();
        let noticed = before + Duration::from_secs(1);
        work.wake(vec![(key.clone(), Trigger::told(before))]);
        let (_, early) = work.queue().next(before).unwrap();
        let mut seen_to = Box::pin(work.see_to(&key, Trigger::told(noticed)));
        assert!(seen_to.as_mut().now_or_never().is_none());
        work.looked(&key, early, true);
        assert!(seen_to.as_mut().now_or_never().is_none(), "it may have read the old value");
        work.queue().done(&key, Next::Idle, noticed, 0.0);
        let (_, trigger) = work.queue().next(noticed).unwrap();
        work.looked(&key, trigger, false);
        assert!(seen_to.as_mut().now_or_never().is_none(), "it failed");
        work.looked(&key, Trigger::new(Urgency::Due, noticed), true);
        assert!(seen_to.as_mut().now_or_never().is_some());
        drop(seen_to);
        assert!(work.waiters.lock().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_makes_room_and_comes_back_to_it() {
        let work = Arc::new(Work::default());
        let room = Room::new(1, Arc::clone(&work));
        let mut first = room.enter().unwrap();
        assert!(room.enter().is_none());
        let (tell, told) = oneshot::channel::<()>();
        let waiting = tokio::spawn(async move {
            first.wait_for(told).await.unwrap();
            first
        });
        work.rung().await;
        let second = room.enter().expect("the room that the first has made");
        tell.send(()).unwrap();
        assert!(room.is_full());
        drop(second);
        let first = waiting.await.unwrap();
        assert!(room.is_full() && room.enter().is_none());
        drop(first);
        assert!(room.enter().is_some());
    }
}
