//! One job, from its dataflow to what it tells.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Instant, UNIX_EPOCH};

use serde_json::{Value, json};
use timely::dataflow::Stream;
use timely::dataflow::channels::pact::{Exchange, ParallelizationContract, Pipeline};
use timely::dataflow::operators::Probe;
use timely::dataflow::operators::probe::Handle as ProbeHandle;

use crate::job::{Job, Workload};
use crate::keyed::{Finding, keyed};
use crate::latency::{Closings, Pace};
use crate::samples::{Row, Slots};
use crate::sliding::sliding;
use crate::source::{paced, samples};
use crate::tally::{Tally, tallied};
use crate::tumbling::{WindowResult, tumbling};

/// What a worker comes back with.
struct Worked {
    /// When it made its first sample.
    began: Option<Instant>,
    tally: Tally,
}

/// Runs a job to its end, on workers of its own.
pub fn run(job: Job) -> Result<Value, String> {
    let config = if job.threads == 1 {
        timely::Config::thread()
    } else {
        timely::Config::process(job.threads)
    };
    let pace = Pace::soon()?;
    let closings = Closings::default();
    let workers = timely::execute(config, move |worker| {
        let began = Rc::new(Cell::new(None));
        let tally = Rc::new(RefCell::new(Tally::default()));
        let part = job.part(worker.index());
        worker.dataflow::<u64, _, _>(|scope| {
            let behind = ProbeHandle::new();
            let rows = if job.workload == Workload::Latency {
                began.set(Some(pace.start));
                paced(scope, job, part, pace, closings.clone())
            } else {
                samples(scope, job, part, behind.clone(), Rc::clone(&began))
            };
            let graph = Graph {
                job,
                behind,
                tally: Rc::clone(&tally),
                pace,
                closings: closings.clone(),
            };
            if job.exchange {
                graph.build(rows, Exchange::new(|row: &Row| u64::from(row.series)));
            } else {
                graph.build(rows, Pipeline);
            }
        });
        while worker.has_dataflows() {
            worker.step_or_park(None);
        }
        Worked {
            began: began.get(),
            tally: tally.take(),
        }
    })?;
    let workers = workers.join().into_iter().collect::<Result<Vec<Worked>, String>>()?;
    outcome(job, workers)
}

/// The part of the dataflow that is behind the source.
struct Graph {
    job: Job,
    /// Becomes a probe of the results.
    behind: ProbeHandle<u64>,
    tally: Rc<RefCell<Tally>>,
    pace: Pace,
    closings: Closings,
}

impl Graph {
    fn build<P>(self, rows: Stream<'_, u64, Vec<Row>>, pact: P)
    where
        P: ParallelizationContract<u64, Vec<Row>>,
    {
        let slots = Slots::new(self.job.series, self.job.threads);
        match self.job.workload {
            Workload::Tumbling => {
                let results = tumbling::<10_000, P>(rows, pact, slots).probe_with(&self.behind);
                tallied(results, &self.tally, |tally, _, results| windows(tally, results));
            }
            Workload::Latency => {
                let results = tumbling::<1_000, P>(rows, pact, slots);
                tallied(results, &self.tally, move |tally, end, results| {
                    tally
                        .latencies
                        .taken(end, results.len() as u64, &self.closings, self.pace);
                    windows(tally, results);
                });
            }
            Workload::Sliding => {
                let results = sliding(rows, pact, slots).probe_with(&self.behind);
                tallied(results, &self.tally, |tally, _, results| {
                    tally.results += results.len() as u64;
                    for result in results {
                        tally.counts += result.count;
                        tally.means += result.mean;
                    }
                });
            }
            Workload::Keyed => {
                let results = keyed(rows, pact, slots).probe_with(&self.behind);
                tallied(results, &self.tally, |tally, _, findings| {
                    for finding in findings {
                        match finding {
                            Finding::FarOut { z } => {
                                tally.results += 1;
                                tally.z += z;
                            }
                            Finding::Learnt { mean, variance } => {
                                tally.means += mean;
                                tally.variances += variance;
                            }
                        }
                    }
                });
            }
        }
    }
}

fn windows(tally: &mut Tally, results: &[WindowResult]) {
    tally.results += results.len() as u64;
    for result in results {
        tally.counts += result.count;
        tally.means += result.mean;
        tally.deviations += result.deviation;
    }
}

/// The line that is told of a job.
fn outcome(job: Job, workers: Vec<Worked>) -> Result<Value, String> {
    let began = workers
        .iter()
        .filter_map(|worker| worker.began)
        .min()
        .ok_or("no sample was made")?;
    let mut total = Tally::default();
    for worker in workers {
        total.merge(worker.tally);
    }
    let (first, last) = (
        total.first.ok_or("there was no result")?,
        total.last.ok_or("there was no result")?,
    );
    let first = first.duration_since(UNIX_EPOCH).map_err(|wrong| wrong.to_string())?;
    let check = match job.workload {
        Workload::Tumbling | Workload::Latency => {
            json!({ "results": total.results, "counts": total.counts, "means": total.means, "deviations": total.deviations })
        }
        Workload::Sliding => json!({ "results": total.results, "counts": total.counts, "means": total.means }),
        Workload::Keyed => {
            json!({ "results": total.results, "z": total.z, "means": total.means, "variances": total.variances })
        }
    };
    let mut told = json!({
        "workload": job.name(),
        "engine": job.engine(),
        "threads": job.threads,
        "samples": job.samples,
        "seconds": last.duration_since(began).as_secs_f64(),
        "first_result_at": first.as_secs_f64() * 1_000.0,
        "check": check,
        "versions": { "timely": env!("TIMELY_VERSION"), "rustc": env!("RUSTC_VERSION") },
    });
    if job.workload == Workload::Latency {
        let (latency, further) = total.latencies.told();
        told["latency_ms"] = latency;
        told["further"] = further;
    }
    Ok(told)
}
