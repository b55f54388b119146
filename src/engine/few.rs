//! A list that is nearly always empty.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

/// A list that takes no more than a pointer while it is empty.
#[derive(Clone, Debug)]
#[expect(clippy::box_collection, reason = "a `Vec` takes three words when it is empty")]
pub(super) struct Few<T>(Option<Box<Vec<T>>>);

impl<T> Few<T> {
    pub(super) fn push(&mut self, item: T) {
        self.0.get_or_insert_default().push(item);
    }

    /// Takes all out.
    pub(super) fn take(&mut self) -> Vec<T> {
        self.0.take().map_or_else(Vec::new, |list| *list)
    }

    pub(super) fn remove(&mut self, at: usize) -> T {
        let mut list = self.take();
        let item = list.remove(at);
        *self = list.into();
        item
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(list: Vec<T>) -> Self {
        Self((!list.is_empty()).then(|| Box::new(list)))
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl<T> DerefMut for Few<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.0.as_deref_mut().map_or(&mut [], Vec::as_mut_slice)
    }
}
