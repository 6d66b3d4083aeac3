//! The queue between those who notice and those who work.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::cache::Wakes;
use crate::queue::Queue;

/// The queue, and a bell.
#[derive(Debug, Default)]
pub(crate) struct Work {
    queue: Mutex<Queue>,
    bell: Notify,
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
