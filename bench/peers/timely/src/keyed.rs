//! W3: an exponentially weighted mean and variance by series, and the samples that are far out.

use timely::dataflow::Stream;
use timely::dataflow::channels::pact::ParallelizationContract;
use timely::dataflow::operators::generic::Operator;

use crate::samples::{Row, Slots};

const ALPHA: f64 = 0.05;
const LEARNT_AFTER: u32 = 10;
const FAR: f64 = 3.0;

#[derive(Clone, Default)]
struct State {
    mean: f64,
    variance: f64,
    seen: u32,
}

#[derive(Clone)]
pub enum Finding {
    /// A sample more than three deviations from the mean before it: how many, without sign.
    FarOut { z: f64 },
    /// At the end of the input, of each series.
    Learnt { mean: f64, variance: f64 },
}

impl State {
    #[inline]
    fn update(&mut self, value: f64) -> Option<Finding> {
        let d = value - self.mean;
        let far = self.seen >= LEARNT_AFTER && self.variance > 0.0 && d * d > FAR * FAR * self.variance;
        let finding = far.then(|| Finding::FarOut {
            z: d.abs() / self.variance.sqrt(),
        });
        self.mean += ALPHA * d;
        self.variance = (1.0 - ALPHA) * (self.variance + ALPHA * d * d);
        self.seen += 1;
        finding
    }
}

/// Rows of a series are taken in the order in which they come.
pub fn keyed<'scope, P>(rows: Stream<'scope, u64, Vec<Row>>, pact: P, slots: Slots) -> Stream<'scope, u64, Vec<Finding>>
where
    P: ParallelizationContract<u64, Vec<Row>>,
{
    rows.unary_frontier(pact, "Keyed", |capability, _| {
        let mut states = vec![State::default(); slots.count];
        // Follows the watermark: what was learnt is told when there is no more.
        let mut held = Some(capability);
        move |(input, frontier), output| {
            input.for_each(|capability, rows| {
                let mut session = output.session(&capability);
                for row in rows.iter() {
                    if let Some(finding) = states[slots.of(row.series)].update(row.value) {
                        session.give(finding);
                    }
                }
            });
            match frontier.frontier().first() {
                Some(watermark) => {
                    if let Some(held) = held.as_mut().filter(|held| held.time() < watermark) {
                        held.downgrade(watermark);
                    }
                }
                None => {
                    if let Some(held) = held.take() {
                        let seen = states.iter().filter(|state| state.seen > 0);
                        let learnt = seen.map(|state| Finding::Learnt {
                            mean: state.mean,
                            variance: state.variance,
                        });
                        output.session(&held).give_iterator(learnt);
                    }
                }
            }
        }
    })
}
