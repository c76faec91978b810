//! Where the time of a step goes: operations report what they did while someone listens.
//!
//! Off, it costs one load. Seconds are those of the thread that asked for the work, so that the parts of a step add
//! up on one thread; on more, an operation that waits may be doing another's work.

use std::collections::BTreeMap;
use std::iter::Sum;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What an operation has to do, however it does it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Work {
    /// Multiplications and additions.
    pub flops: f64,
    /// Bytes of its inputs and its results.
    pub bytes: f64,
}

impl Work {
    /// So many multiply-adds on tensors of so many values of 32 bits.
    #[must_use]
    pub fn new(multiply_adds: usize, values: usize) -> Self {
        Self { flops: 2.0 * multiply_adds as f64, bytes: 4.0 * values as f64 }
    }
}

impl Sum for Work {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        let add = |a: Self, b: Self| Self { flops: a.flops + b.flops, bytes: a.bytes + b.bytes };
        all.fold(Self::default(), add)
    }
}

/// All calls of one operation.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Record {
    /// How many.
    pub calls: usize,
    /// How long they took.
    pub time: Duration,
    /// What they had to do.
    pub work: Work,
}

type Records = BTreeMap<&'static str, Record>;

static LISTENING: AtomicBool = AtomicBool::new(false);
static RECORDS: Mutex<Records> = Mutex::new(Records::new());

fn records() -> MutexGuard<'static, Records> {
    RECORDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins to listen, to all threads.
pub fn start() {
    records().clear();
    LISTENING.store(true, Ordering::Relaxed);
}

/// Ends it: what was heard, by name.
pub fn finish() -> BTreeMap<&'static str, Record> {
    let mut records = records();
    LISTENING.store(false, Ordering::Relaxed);
    std::mem::take(&mut *records)
}

/// Runs an operation, and reports it under this name.
pub fn measured<R>(name: &'static str, work: Work, operation: impl FnOnce() -> R) -> R {
    if !LISTENING.load(Ordering::Relaxed) {
        return operation();
    }
    let start = Instant::now();
    let result = operation();
    let time = start.elapsed();
    let mut records = records();
    // It may have ended in the meantime.
    if !LISTENING.load(Ordering::Relaxed) {
        return result;
    }
    let record = records.entry(name).or_default();
    record.calls += 1;
    record.time += time;
    record.work = [record.work, work].into_iter().sum();
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_while_someone_listens_is_reported_once() {
        measured("before", Work::default(), || ());
        start();
        for _ in 0..3 {
            measured("of this test", Work::new(5, 7), || std::thread::sleep(Duration::from_millis(1)));
        }
        let records = finish();
        measured("after", Work::default(), || ());
        assert!(!records.contains_key("before") && finish().is_empty());
        let Record { calls, time, work } = records["of this test"];
        assert_eq!((calls, work), (3, Work { flops: 30.0, bytes: 84.0 }));
        assert!(time >= Duration::from_millis(3));
    }
}
