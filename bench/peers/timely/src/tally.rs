//! What results add up to, and when they came.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Instant, SystemTime};

use timely::dataflow::Stream;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::Operator;

use crate::latency::Latencies;

/// Sums over the results of one worker.
#[derive(Default)]
pub struct Tally {
    pub results: u64,
    pub counts: u64,
    pub means: f64,
    pub deviations: f64,
    pub z: f64,
    pub variances: f64,
    pub latencies: Latencies,
    pub first: Option<SystemTime>,
    pub last: Option<Instant>,
}

impl Tally {
    /// Notes that results are taken now.
    fn taken(&mut self) {
        if self.first.is_none() {
            self.first = Some(SystemTime::now());
        }
        self.last = Some(Instant::now());
    }

    pub fn merge(&mut self, other: Tally) {
        self.results += other.results;
        self.counts += other.counts;
        self.means += other.means;
        self.deviations += other.deviations;
        self.z += other.z;
        self.variances += other.variances;
        self.latencies.merge(other.latencies);
        self.first = self.first.into_iter().chain(other.first).min();
        self.last = self.last.max(other.last);
    }
}

/// Takes all results of a stream: `take` gets the tally, and each message with its timestamp.
pub fn tallied<Result: 'static>(
    results: Stream<'_, u64, Vec<Result>>,
    tally: &Rc<RefCell<Tally>>,
    take: impl Fn(&mut Tally, u64, &[Result]) + 'static,
) {
    let tally = Rc::clone(tally);
    results.sink(Pipeline, "Tally", move |(input, _)| {
        input.for_each(|capability, results| {
            let Some(&time) = capability.least() else { return };
            let mut tally = tally.borrow_mut();
            take(&mut tally, time, results);
            tally.taken();
        });
    });
}
