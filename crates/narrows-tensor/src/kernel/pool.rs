//! The threads behind parallel loops: workers that wait awake for a moment, then asleep, and whom nobody waits for.
//!
//! A step of a small network has a hundred loops of a few microseconds, too short for the wake-up of a sleeping thread;
//! so a worker looks for the next loop for [`AWAKE`] before it sleeps. The thread that runs a loop takes tasks too, and at
//! its end waits only for workers that have joined it: on a busy machine a worker without a core costs nothing.

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// How long a worker looks for the next loop before it sleeps.
const AWAKE: Duration = Duration::from_micros(200);
/// Looks between two looks at the clock, and before a waiting thread offers its core to others.
const LOOKS: u32 = 64;
/// Set while workers may join a loop; below it their number, above it the loop's number.
const OPEN: u64 = 1 << 15;
const LOOP: u64 = 1 << 16;

/// A loop: the task and how to call it.
#[derive(Clone, Copy)]
struct Job {
    task: *const (),
    // SAFETY: to be called with `task`, while that lives.
    call: unsafe fn(*const (), usize),
    count: usize,
    /// Tasks that are taken at a time.
    grain: usize,
}

/// Workers, and the loop that they may join.
pub(super) struct Pool {
    /// Held by the thread whose loop runs.
    caller: Mutex<()>,
    state: AtomicU64,
    /// Written only by the caller, while no worker is inside and none may join.
    job: UnsafeCell<Job>,
    next: AtomicUsize,
    asleep: AtomicUsize,
    workers: OnceLock<Vec<Thread>>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: `job` is the one field that is not `Sync`; who may write it and when is said there.
unsafe impl Sync for Pool {}
// SAFETY: the pointers in `job` are used only while the loop that they belong to runs.
unsafe impl Send for Pool {}

/// Calls the task behind `task`.
///
/// # Safety
/// `task` points at a living `F`.
unsafe fn call<F: Fn(usize)>(task: *const (), index: usize) {
    // SAFETY: by this function's contract.
    unsafe { (*task.cast::<F>())(index) };
}

/// The process's pool, with as many threads as rayon's but at most one for each core.
pub(super) fn pool() -> &'static Pool {
    static POOL: OnceLock<Pool> = OnceLock::new();
    static STARTED: OnceLock<()> = OnceLock::new();
    let pool = POOL.get_or_init(Pool::new);
    STARTED.get_or_init(|| {
        let threads = rayon::current_num_threads().min(candle_core::utils::get_num_threads());
        pool.start(threads.saturating_sub(1));
    });
    pool
}

impl Pool {
    fn new() -> Self {
        Self {
            caller: Mutex::new(()),
            state: AtomicU64::new(0),
            job: UnsafeCell::new(Job { task: std::ptr::null(), call: call::<fn(usize)>, count: 0, grain: 1 }),
            next: AtomicUsize::new(0),
            asleep: AtomicUsize::new(0),
            workers: OnceLock::new(),
            panic: Mutex::new(None),
        }
    }

    /// Starts workers; fewer where the system refuses.
    fn start(&'static self, workers: usize) {
        let spawn = |index| {
            let builder = std::thread::Builder::new().name(format!("narrows-{index}"));
            builder.spawn(move || self.work()).ok().map(|handle| handle.thread().clone())
        };
        self.workers.get_or_init(|| (0..workers).map_while(spawn).collect());
    }

    /// Workers and the thread that runs a loop.
    pub(super) fn threads(&self) -> usize {
        1 + self.workers.get().map_or(0, Vec::len)
    }

    /// Runs `task(0)`, .., `task(count - 1)` here and on the workers. While another thread's loop has the workers, this
    /// one runs alone.
    pub(super) fn run<F: Fn(usize) + Sync>(&self, count: usize, task: F) {
        let alone = || (0..count).for_each(&task);
        if self.threads() == 1 {
            return alone();
        }
        let caller = match self.caller.try_lock() {
            Ok(caller) => caller,
            // A task of an earlier loop panicked here; the loop was closed nevertheless.
            Err(TryLockError::Poisoned(caller)) => caller.into_inner(),
            Err(TryLockError::WouldBlock) => return alone(),
        };
        *self.panic() = None;
        let grain = (count / (8 * self.threads())).max(1);
        // SAFETY: this thread is the caller, no worker is inside, and the state is closed.
        unsafe { *self.job.get() = Job { task: (&raw const task).cast(), call: call::<F>, count, grain } };
        self.next.store(0, Ordering::Relaxed);
        // Sequentially consistent with a worker's last look before it sleeps: one of both sees the other.
        let number = self.state.load(Ordering::Relaxed) & !(LOOP - 1);
        self.state.store(number.wrapping_add(LOOP) | OPEN, Ordering::SeqCst);
        let closing = Closing(self);
        if self.asleep.load(Ordering::SeqCst) > 0 {
            self.workers.get().into_iter().flatten().take(count - 1).for_each(Thread::unpark);
        }
        self.take_tasks();
        drop(closing);
        let panic = self.panic().take();
        drop(caller);
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// What a worker's task panicked with.
    fn panic(&self) -> MutexGuard<'_, Option<Box<dyn Any + Send>>> {
        self.panic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs tasks until none is left.
    fn take_tasks(&self) {
        // SAFETY: only threads inside the loop come here, and while they do the job stays.
        let Job { task, call, count, grain } = unsafe { *self.job.get() };
        loop {
            let start = self.next.fetch_add(grain, Ordering::Relaxed);
            if start >= count {
                return;
            }
            for index in start..count.min(start + grain) {
                // SAFETY: the caller's task lives until every thread has left the loop.
                unsafe { call(task, index) };
            }
        }
    }

    /// A worker's life.
    fn work(&self) {
        let mut last = 0;
        loop {
            let state = self.look(last);
            // Joined only if the loop is still open.
            if self.state.compare_exchange(state, state + 1, Ordering::AcqRel, Ordering::Relaxed).is_err() {
                continue;
            }
            last = state & !(LOOP - 1);
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| self.take_tasks()))
                && let Ok(mut panic) = self.panic.lock()
            {
                panic.get_or_insert(payload);
            }
            self.state.fetch_sub(1, Ordering::Release);
        }
    }

    /// Waits for an open loop that is not the one numbered `last`.
    fn look(&self, last: u64) -> u64 {
        let open = |state: u64| state & OPEN != 0 && state & !(LOOP - 1) != last;
        loop {
            let until = Instant::now() + AWAKE;
            while Instant::now() < until {
                for _ in 0..LOOKS {
                    let state = self.state.load(Ordering::Acquire);
                    if open(state) {
                        return state;
                    }
                    std::hint::spin_loop();
                }
                std::thread::yield_now();
            }
            self.asleep.fetch_add(1, Ordering::SeqCst);
            if !open(self.state.load(Ordering::SeqCst)) {
                std::thread::park();
            }
            self.asleep.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Closes the loop when dropped, also by a panic, and waits for the workers inside.
struct Closing<'a>(&'a Pool);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.next.store(usize::MAX / 2, Ordering::Relaxed);
        self.0.state.fetch_and(!OPEN, Ordering::AcqRel);
        let mut looks = 0;
        while self.0.state.load(Ordering::Acquire) & (OPEN - 1) != 0 {
            std::hint::spin_loop();
            looks += 1;
            if looks % (16 * LOOKS) == 0 {
                std::thread::yield_now();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    fn pool(workers: usize) -> &'static Pool {
        let pool: &'static Pool = Box::leak(Box::new(Pool::new()));
        pool.start(workers);
        pool
    }

    #[test]
    fn every_task_runs_once_however_the_workers_wake() {
        let pool = pool(3);
        for round in 0..2000 {
            let count = 2 + round % 37;
            let runs: Vec<AtomicU32> = (0..count).map(|_| AtomicU32::new(0)).collect();
            if round % 100 == 0 {
                std::thread::sleep(2 * AWAKE);
            }
            pool.run(count, |index| {
                runs[index].fetch_add(1, Ordering::Relaxed);
            });
            assert!(runs.iter().all(|runs| runs.load(Ordering::Relaxed) == 1), "round {round}");
        }
    }

    #[test]
    fn loops_of_several_threads_stand_side_by_side() {
        let (pool, total) = (pool(2), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        pool.run(10, |_| {
                            total.fetch_add(1, Ordering::Relaxed);
                        });
                    }
                });
            }
        });
        assert_eq!(total.load(Ordering::Relaxed), 8000);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_leaves_the_pool_in_order() {
        let pool = pool(2);
        for failing in 0..8 {
            let run = || pool.run(8, |index| assert_ne!(index, failing, "as expected"));
            assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
            let sum = AtomicUsize::new(0);
            pool.run(8, |index| {
                sum.fetch_add(index, Ordering::Relaxed);
            });
            assert_eq!(sum.into_inner(), 28);
        }
        // Two tasks that wait for each other: they need two threads.
        let (there, since) = (AtomicUsize::new(0), Instant::now());
        pool.run(2, |_| {
            there.fetch_add(1, Ordering::Relaxed);
            while there.load(Ordering::Relaxed) < 2 {
                assert!(since.elapsed() < Duration::from_secs(20), "the pool has one thread left");
                std::thread::yield_now();
            }
        });
    }
}
