//! Bodies of answers, those that stop half-way included.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::Sleep;

/// Bytes, pauses and the end of the connection, one after another.
pub(crate) struct ReplyBody {
    steps: VecDeque<Step>,
    pause: Option<Pin<Box<Sleep>>>,
}

enum Step {
    Data(Bytes),
    Pause(Duration),
    /// Lets what came before reach the client.
    Flush,
    /// The end, with so many bytes still promised.
    Break(usize),
}

impl ReplyBody {
    /// All at once.
    pub(crate) fn full(bytes: Vec<u8>) -> Self {
        Self::new([Step::Data(bytes.into())])
    }

    /// The first half, and then the connection ends.
    pub(crate) fn truncated(bytes: &[u8]) -> Self {
        let (half, missing) = bytes.split_at(bytes.len() / 2);
        Self::new([Step::Data(half.to_vec().into()), Step::Flush, Step::Break(missing.len())])
    }

    /// The second half after a pause.
    pub(crate) fn slow(bytes: &[u8], pause: Duration) -> Self {
        let (one, other) = bytes.split_at(bytes.len() / 2);
        Self::new([
            Step::Data(one.to_vec().into()),
            Step::Pause(pause),
            Step::Data(other.to_vec().into()),
        ])
    }

    fn new<const N: usize>(steps: [Step; N]) -> Self {
        Self { steps: steps.into(), pause: None }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                if pause.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                self.pause = None;
            }
            match self.steps.pop_front() {
                None => return Poll::Ready(None),
                Some(Step::Data(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Step::Pause(pause)) => {
                    self.pause = Some(Box::pin(tokio::time::sleep(pause)));
                }
                Some(Step::Flush) => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Step::Break(_)) => {
                    return Poll::Ready(Some(Err(io::Error::other("cut off on purpose"))));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && self.pause.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.steps.iter().map(|step| match step {
            Step::Data(bytes) => bytes.len() as u64,
            Step::Break(missing) => *missing as u64,
            Step::Pause(_) | Step::Flush => 0,
        });
        SizeHint::with_exact(length.sum())
    }
}
