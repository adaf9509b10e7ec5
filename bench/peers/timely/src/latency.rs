//! W4: when watermarks were produced, and how long after it their results came.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::samples::DISORDER_MS;

const PER_MS: u64 = 100;

/// Sample i is due `i / PER_MS` ms after a whole second of the wall clock.
#[derive(Clone, Copy)]
pub struct Pace {
    pub start: Instant,
    /// The same moment, ms since the epoch.
    pub start_ms: u64,
}

impl Pace {
    /// Begins with a second that leaves time enough for workers to start.
    pub fn soon() -> Result<Pace, String> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_err(|wrong| wrong.to_string())?;
        let start = Duration::from_secs((now + Duration::from_millis(200)).as_secs() + 1);
        Ok(Pace {
            start: Instant::now() + (start - now),
            start_ms: start.as_millis() as u64,
        })
    }

    /// How many samples are due.
    pub fn due(&self) -> u64 {
        match Instant::now().checked_duration_since(self.start) {
            Some(elapsed) => (elapsed.as_micros() as u64 * PER_MS) / 1_000 + 1,
            None => 0,
        }
    }

    /// In which ms after the start sample `i` is due, and the first sample of the ms after it.
    pub fn ms_of(i: u64) -> (u64, u64) {
        (i / PER_MS, (i / PER_MS + 1) * PER_MS)
    }

    pub fn until_ms(&self, ms: u64) -> Duration {
        (self.start + Duration::from_millis(ms)).saturating_duration_since(Instant::now())
    }

    /// When the row is due that moves the watermark to `watermark`.
    fn due_at(&self, watermark: u64) -> Instant {
        self.start + Duration::from_millis((watermark + DISORDER_MS).saturating_sub(self.start_ms))
    }
}

/// By the end of a window, when the source produced the watermark that closes it; the last one, of several workers.
#[derive(Clone, Default)]
pub struct Closings(Arc<Mutex<HashMap<u64, Instant>>>);

impl Closings {
    pub fn produced(&self, watermark: u64) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(watermark, Instant::now());
    }

    fn when(&self, watermark: u64) -> Option<Instant> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&watermark)
            .copied()
    }
}

/// Latencies, each with how many results had it.
#[derive(Default)]
pub struct Latencies {
    since_produced: Vec<(Duration, u64)>,
    since_due: Vec<(Duration, u64)>,
}

impl Latencies {
    /// `count` results of windows that end at `end` are taken now. Those that the end of the input closes are not
    /// counted, as no watermark did.
    pub fn taken(&mut self, end: u64, count: u64, closings: &Closings, pace: Pace) {
        if let Some(produced) = closings.when(end) {
            self.since_produced.push((produced.elapsed(), count));
            self.since_due.push((pace.due_at(end).elapsed(), count));
        }
    }

    pub fn merge(&mut self, other: Latencies) {
        self.since_produced.extend(other.since_produced);
        self.since_due.extend(other.since_due);
    }

    /// Since the watermark was produced, and since it was due: what a source that is late can't hide.
    pub fn told(mut self) -> (Value, Value) {
        let (p50, p99, max, count) = quantiles(&mut self.since_produced);
        let produced = json!({ "p50": p50, "p99": p99, "max": max, "count": count });
        let (p50, p99, max, _) = quantiles(&mut self.since_due);
        (
            produced,
            json!({ "since_due_p50_ms": p50, "since_due_p99_ms": p99, "since_due_max_ms": max }),
        )
    }
}

/// The smallest latencies, ms, that at least half, 99 % and all do not exceed; and how many there are.
fn quantiles(latencies: &mut [(Duration, u64)]) -> (f64, f64, f64, u64) {
    latencies.sort_unstable();
    let total: u64 = latencies.iter().map(|(_, count)| count).sum();
    let at = |share: f64| {
        let mut seen = 0;
        let found = latencies.iter().find(|(_, count)| {
            seen += count;
            seen as f64 >= share * total as f64
        });
        found.map_or(0.0, |(latency, _)| latency.as_secs_f64() * 1_000.0)
    };
    (at(0.5), at(0.99), at(1.0), total)
}
