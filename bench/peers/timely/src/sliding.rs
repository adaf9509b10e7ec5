//! W2: count and mean by series in windows that overlap.

use std::collections::VecDeque;

use timely::dataflow::Stream;
use timely::dataflow::channels::pact::ParallelizationContract;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::Operator;

use crate::panes::Panes;
use crate::samples::{Row, Slots};

const SLIDE_MS: u64 = 1_000;
const PANES: usize = 60;

#[derive(Clone, Copy, Default)]
struct Total {
    count: u64,
    sum: f64,
}

impl Total {
    fn result(&self) -> SlidingResult {
        SlidingResult {
            count: self.count,
            mean: self.sum / self.count as f64,
        }
    }
}

/// Of one series in one window.
#[derive(Clone)]
pub struct SlidingResult {
    pub count: u64,
    pub mean: f64,
}

/// Windows of 60 s every second: a pane a second, and running totals to which the pane that enters the window is added
/// and from which the one that leaves is taken, so that a result costs the same whatever the windows overlap.
pub fn sliding<'scope, P>(
    rows: Stream<'scope, u64, Vec<Row>>,
    pact: P,
    slots: Slots,
) -> Stream<'scope, u64, Vec<SlidingResult>>
where
    P: ParallelizationContract<u64, Vec<Row>>,
{
    rows.unary_frontier(pact, "Sliding", |_, _| {
        let mut panes = Panes::<SLIDE_MS, Total>::new(slots.count);
        // Those that have entered the window and will not leave it with the next result; empty where no sample was.
        let mut within: VecDeque<Vec<Total>> = VecDeque::new();
        let mut totals = vec![Total::default(); slots.count];
        // For the end of the next window.
        let mut held: Option<Capability<u64>> = None;
        move |(input, frontier), output| {
            input.for_each(|capability, rows| {
                let Some(&watermark) = capability.least() else { return };
                for row in rows.iter() {
                    let total = &mut panes.at(watermark + u64::from(row.after))[slots.of(row.series)];
                    total.count += 1;
                    total.sum += row.value;
                }
                if let Some(end) = panes.first_end()
                    && held.as_ref().is_none_or(|held| *held.time() > end)
                {
                    held = Some(capability.delayed(&end, output.output_index()));
                }
            });
            while let Some(capability) = held.take_if(|held| !frontier.less_than(held.time())) {
                let end = *capability.time();
                let enters = if panes.first_end() == Some(end) {
                    panes.close_first()
                } else {
                    Vec::new()
                };
                for (total, entering) in totals.iter_mut().zip(&enters) {
                    total.count += entering.count;
                    total.sum += entering.sum;
                }
                let results = totals.iter().filter(|total| total.count > 0).map(Total::result);
                output.session(&capability).give_iterator(results);
                within.push_back(enters);
                if within.len() == PANES
                    && let Some(leaves) = within.pop_front()
                {
                    for (total, leaving) in totals.iter_mut().zip(&leaves) {
                        total.count -= leaving.count;
                        // What is rounded does not outlive the samples.
                        total.sum = if total.count == 0 { 0.0 } else { total.sum - leaving.sum };
                    }
                    panes.give_back(leaves);
                }
                if panes.first_end().is_some() || within.iter().any(|pane| !pane.is_empty()) {
                    held = Some(capability.delayed(&(end + SLIDE_MS)));
                } else {
                    within.clear();
                }
            }
        }
    })
}
