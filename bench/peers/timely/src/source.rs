//! Sources: each worker makes its part of the samples, under a capability for the watermark.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use timely::dataflow::operators::generic::source;
use timely::dataflow::operators::probe::Handle as ProbeHandle;
use timely::dataflow::{Scope, Stream};

use crate::job::Job;
use crate::latency::{Closings, Pace};
use crate::samples::{DISORDER_MS, Part, Row, T0};

const STEP_MS: u64 = 1_000;
/// Rows a message: 16 KB of them, so that those of some messages stay in the first cache.
const BATCH: u32 = 1_024;
/// Messages an activation, after which the operators behind the source have their turn.
const BATCHES: usize = 8;
/// Channels of timely have no bound: a source does not run further ahead of the results than about so many samples.
const AHEAD: u64 = 262_144;

/// As fast as the operators behind it take them: step after step of a second, in which every series has a sample.
/// `behind` is a probe of their output. `began` gets the moment at which the first sample is made.
pub fn samples<'scope>(
    scope: Scope<'scope, u64>,
    job: Job,
    part: Part,
    behind: ProbeHandle<u64>,
    began: Rc<Cell<Option<Instant>>>,
) -> Stream<'scope, u64, Vec<Row>> {
    let ahead = (AHEAD / u64::from(job.series)).max(1) * STEP_MS;
    let series = u64::from(job.series);
    source(scope, "Samples", |capability, info| {
        let activator = scope.activator_for(info.address);
        let mut capability = Some(capability);
        let mut step = 0;
        let mut next = part.first;
        move |output| {
            let Some(held) = capability.as_mut() else { return };
            if began.get().is_none() {
                began.set(Some(Instant::now()));
            }
            for _ in 0..BATCHES {
                let made = step * series;
                let end = u64::from(part.end).min(job.samples.saturating_sub(made)) as u32;
                if next >= end {
                    step += 1;
                    next = part.first;
                    if step * series + u64::from(part.first) >= job.samples || part.first >= part.end {
                        capability = None;
                        return;
                    }
                    continue;
                }
                let watermark = T0 + step * STEP_MS - DISORDER_MS;
                if *held.time() < watermark {
                    held.downgrade(&watermark);
                }
                if behind.less_than(&(watermark - ahead)) {
                    // Another worker is behind, which may wait for this one's core.
                    std::thread::yield_now();
                    break;
                }
                let until = end.min(next + BATCH * part.stride);
                let rows = (next..until).step_by(part.stride as usize);
                let mut rows: Vec<Row> = rows
                    .map(|series| Row::sample(made + u64::from(series), series))
                    .collect();
                output.session(held).give_container(&mut rows);
                next += BATCH * part.stride;
            }
            activator.activate();
        }
    })
}

/// By the clock: each ms the samples that became due since the last, and a watermark for each ms.
pub fn paced<'scope>(
    scope: Scope<'scope, u64>,
    job: Job,
    part: Part,
    pace: Pace,
    closings: Closings,
) -> Stream<'scope, u64, Vec<Row>> {
    source(scope, "Paced samples", |capability, info| {
        let activator = scope.activator_for(info.address);
        let mut capability = Some(capability);
        let mut next = 0;
        move |output| {
            let Some(held) = capability.as_mut() else { return };
            let due = pace.due().min(job.samples);
            while next < due {
                let (ms, following) = Pace::ms_of(next);
                let watermark = pace.start_ms + ms - DISORDER_MS;
                if *held.time() < watermark {
                    closings.produced(watermark);
                    held.downgrade(&watermark);
                }
                let until = following.min(due);
                let samples = (next..until).map(|i| (i, (i % u64::from(job.series)) as u32));
                let own = samples.filter(|&(_, series)| part.has(series));
                output
                    .session(held)
                    .give_iterator(own.map(|(i, series)| Row::sample(i, series)));
                next = until;
            }
            if next == job.samples {
                capability = None;
            } else {
                activator.activate_after(pace.until_ms(if next == 0 { 0 } else { Pace::ms_of(next).0 + 1 }));
            }
        }
    })
}
