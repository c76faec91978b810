//! Memory for intermediate results, kept between calls: asking the system for megabytes costs more than filling them.

use std::cell::RefCell;

thread_local! {
    /// What this thread has and does not use at the moment.
    static IDLE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Gives `work` so many values that hold anything.
///
/// Work may ask for more, and wait for other threads: what it holds is its own.
pub(super) fn with<R>(count: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut memory = IDLE.with_borrow_mut(Vec::pop).unwrap_or_default();
    if memory.len() < count {
        memory.resize(count, 0.0);
    }
    let result = work(&mut memory[..count]);
    IDLE.with_borrow_mut(|idle| idle.push(memory));
    result
}
