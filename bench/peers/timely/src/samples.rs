//! The samples of the workloads, by formula.

use serde::{Deserialize, Serialize};

/// Time of the first samples, ms since the epoch.
pub const T0: u64 = 1_700_000_000_000;
/// How far the watermark is behind the largest time, ms.
pub const DISORDER_MS: u64 = 5_000;

/// A sample on its way. Its message carries the watermark as its timestamp, from which the row's time is reckoned:
/// 16 bytes instead of 24.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Row {
    pub series: u32,
    /// Event time, ms after the timestamp of the message.
    pub after: u32,
    pub value: f64,
}

impl Row {
    /// Sample `i`: every twentieth by a hash of `i` is 1 to 5 s early, the others are at the largest time so far.
    #[inline]
    pub fn sample(i: u64, series: u32) -> Row {
        let i = i as u32;
        let h = i.wrapping_mul(2_654_435_761);
        let early = if h.is_multiple_of(20) {
            1_000 * (1 + (i >> 3) % 5)
        } else {
            0
        };
        Row {
            series,
            after: DISORDER_MS as u32 - early,
            value: f64::from(h % 1_000) / 10.0,
        }
    }
}

/// The series of which one worker makes the samples.
#[derive(Clone, Copy)]
pub struct Part {
    pub first: u32,
    pub stride: u32,
    pub end: u32,
}

impl Part {
    pub fn has(self, series: u32) -> bool {
        series >= self.first && series < self.end && (series - self.first).is_multiple_of(self.stride)
    }
}

/// Where the state of a series lies: series are dealt to the workers in turn, as an exchange by series does.
#[derive(Clone, Copy)]
pub struct Slots {
    shift: u32,
    pub count: usize,
}

impl Slots {
    /// `peers` is a power of two.
    pub fn new(series: u32, peers: usize) -> Slots {
        Slots {
            shift: peers.trailing_zeros(),
            count: (series as usize).div_ceil(peers),
        }
    }

    #[inline]
    pub fn of(self, series: u32) -> usize {
        (series >> self.shift) as usize
    }
}
