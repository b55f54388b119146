//! What the engine says, in order.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::output::Output;

/// Outputs that are not fetched yet. An engine rests nearly always: it keeps no buffer for them then.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox(Option<Box<Queue>>);

#[derive(Clone, Debug, Default)]
struct Queue {
    /// What is fetched leaves its place empty, because many callers may be settled at once.
    outputs: Vec<Option<Output>>,
    /// Where the next to be fetched stands.
    next: usize,
    /// Where the outputs begin that follow what was published last.
    unpublished: usize,
}

impl Outbox {
    pub(super) fn push(&mut self, output: Output) {
        self.0.get_or_insert_default().outputs.push(Some(output));
    }

    /// Puts `output` ahead of all that follows what was published last.
    pub(super) fn push_first(&mut self, output: Output) {
        let queue = self.0.get_or_insert_default();
        queue.outputs.insert(queue.unpublished.max(queue.next), Some(output));
    }

    /// All that has been said until now is published.
    pub(super) fn publish(&mut self) {
        if let Some(queue) = &mut self.0 {
            queue.unpublished = queue.outputs.len();
        }
    }

    pub(super) fn pop(&mut self) -> Option<Output> {
        let queue = self.0.as_mut()?;
        let output = queue.outputs.get_mut(queue.next)?.take();
        queue.next += 1;
        if queue.next == queue.outputs.len() {
            self.0 = None;
        }
        output
    }
}
