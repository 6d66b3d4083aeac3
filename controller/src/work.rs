//! The queue between those who notice and those who work.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

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
