//! W1 and W4: count, mean and standard deviation by series in windows that follow each other.

use timely::dataflow::Stream;
use timely::dataflow::channels::pact::ParallelizationContract;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::Operator;

use crate::panes::Panes;
use crate::samples::{Row, Slots};

/// Count, sum and sum of squares; exact enough, as values are at most 100 and some ten a window.
#[derive(Clone, Default)]
struct Moments {
    count: u64,
    sum: f64,
    squares: f64,
}

/// Of one series in one window, whose end is the timestamp of its message.
#[derive(Clone)]
pub struct WindowResult {
    pub count: u64,
    pub mean: f64,
    /// Of the population.
    pub deviation: f64,
}

impl Moments {
    #[inline]
    fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        self.squares += value * value;
    }

    fn result(&self) -> WindowResult {
        let mean = self.sum / self.count as f64;
        let deviation = (self.squares / self.count as f64 - mean * mean).max(0.0).sqrt();
        WindowResult {
            count: self.count,
            mean,
            deviation,
        }
    }
}

/// Windows of `SIZE` ms. The operator holds one capability, for the end of the first window that is open.
pub fn tumbling<'scope, const SIZE: u64, P>(
    rows: Stream<'scope, u64, Vec<Row>>,
    pact: P,
    slots: Slots,
) -> Stream<'scope, u64, Vec<WindowResult>>
where
    P: ParallelizationContract<u64, Vec<Row>>,
{
    rows.unary_frontier(pact, "Tumbling", |_, _| {
        let mut windows = Panes::<SIZE, Moments>::new(slots.count);
        let mut held: Option<Capability<u64>> = None;
        move |(input, frontier), output| {
            input.for_each(|capability, rows| {
                let Some(&watermark) = capability.least() else { return };
                for row in rows.iter() {
                    windows.at(watermark + u64::from(row.after))[slots.of(row.series)].add(row.value);
                }
                if let Some(end) = windows.first_end()
                    && held.as_ref().is_none_or(|held| *held.time() > end)
                {
                    held = Some(capability.delayed(&end, output.output_index()));
                }
            });
            while let Some(capability) = held.take_if(|held| !frontier.less_than(held.time())) {
                let window = windows.close_first();
                let results = window.iter().filter(|moments| moments.count > 0).map(Moments::result);
                output.session(&capability).give_iterator(results);
                windows.give_back(window);
                held = windows.first_end().map(|end| capability.delayed(&end));
            }
        }
    })
}
