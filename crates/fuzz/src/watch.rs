//! Looks that no input takes too long or too much memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Processor time that one input may take, in a debug build: the largest real ones take a fiftieth of it.
const SLOWEST: Duration = Duration::from_secs(5);
/// On the wall, on however busy a machine: what takes longer does not end at all.
const HANGS: Duration = Duration::from_secs(120);
/// Of the whole process, with every harness that runs beside: files are at most 4 MiB.
const LARGEST_MIB: u64 = 2048;
/// How often the second thread looks.
const LOOK: Duration = Duration::from_millis(250);
const IDLE: u64 = u64::MAX;

pub(crate) struct Watch {
    execution: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    began: Duration,
    slowest: Duration,
    name: &'static str,
}

impl Watch {
    pub(crate) fn start(name: &'static str, seed: u64) -> Self {
        let (execution, over) = (Arc::new(AtomicU64::new(IDLE)), Arc::new(AtomicBool::new(false)));
        let (seen, ended) = (Arc::clone(&execution), Arc::clone(&over));
        thread::spawn(move || look(name, seed, &seen, &ended));
        Self { execution, over, began: Duration::ZERO, slowest: Duration::ZERO, name }
    }

    pub(crate) fn begin(&mut self, execution: u64) {
        self.execution.store(execution, Ordering::Relaxed);
        self.began = processor_time();
    }

    pub(crate) fn end(&mut self) -> Duration {
        let took = processor_time().saturating_sub(self.began);
        let execution = self.execution.swap(IDLE, Ordering::Relaxed);
        assert!(
            took < SLOWEST || std::env::var_os("LANDING_FUZZ_SLOW").is_some(),
            "{}: execution {execution} took {took:?} of processor time",
            self.name
        );
        self.slowest = self.slowest.max(took);
        let peak = peak_memory_mib();
        assert!(peak < LARGEST_MIB, "{}: {peak} MiB of memory after execution {execution}", self.name);
        took
    }

    pub(crate) fn told(&self) -> String {
        format!("the slowest {:.3} s, {} MiB at the peak", self.slowest.as_secs_f64(), peak_memory_mib())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// A thread that hangs cannot be ended; the process can.
fn look(name: &str, seed: u64, execution: &AtomicU64, over: &AtomicBool) {
    let (mut known, mut since) = (IDLE, Instant::now());
    while !over.load(Ordering::Relaxed) {
        thread::sleep(LOOK);
        let now = execution.load(Ordering::Relaxed);
        if now != known {
            (known, since) = (now, Instant::now());
        } else if known != IDLE && since.elapsed() > HANGS {
            eprintln!("{name}: seed {seed}, execution {known} does not end; LANDING_FUZZ_ONLY={known} shows it");
            std::process::abort();
        }
    }
}

/// Of this thread, so that a busy machine does not count; zero where the system does not tell.
fn processor_time() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(told.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

fn peak_memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}
