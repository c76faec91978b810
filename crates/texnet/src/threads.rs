//! The threads of a program.
//!
//! A step of learning calls its threads together hundreds of times, for a fraction of a millisecond each. Systems wake a
//! thread where it suits the one that calls, which may be on the same core, and leave both there for as long as
//! seconds: two threads were then no faster than one. As many threads as cores therefore keep a core each.

use rayon::ThreadPoolBuilder;

/// A pool of so many threads. When they are as many as the cores that the program may use, each stays on its own.
#[must_use]
pub fn pool(threads: usize) -> ThreadPoolBuilder {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let builder = ThreadPoolBuilder::new().num_threads(threads);
    if threads < 2 || threads != cores.len() {
        return builder;
    }
    builder.start_handler(move |thread| {
        // Where it cannot be had, the system's choice is good enough.
        core_affinity::set_for_current(cores[thread]);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_threads_as_cores_have_a_core_each_and_fewer_are_free() {
        let cores = core_affinity::get_core_ids().unwrap_or_default();
        let own = |threads: usize| {
            let pool = pool(threads).build().expect("threads");
            pool.broadcast(|_| core_affinity::get_core_ids().unwrap_or_default().len())
        };
        assert_eq!(own(1), [cores.len()]);
        if cfg!(target_os = "linux") && cores.len() > 1 {
            assert_eq!(own(cores.len()), vec![1; cores.len()]);
        }
    }
}
