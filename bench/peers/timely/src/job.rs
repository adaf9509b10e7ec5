//! The command line that all engines of the benchmarks share.

use crate::samples::Part;

#[derive(Clone, Copy, PartialEq)]
pub enum Workload {
    Tumbling,
    Sliding,
    Keyed,
    Latency,
}

#[derive(Clone, Copy)]
pub struct Job {
    pub workload: Workload,
    pub samples: u64,
    pub series: u32,
    pub threads: usize,
    /// Workers make samples of each other's series, and rows cross between threads.
    pub exchange: bool,
}

impl Job {
    /// `[--exchange] W1 --samples N --series S --threads T --jobs J`: the job, and how many times it is to be run.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<(Job, usize), String> {
        let mut first = arguments.next();
        let exchange = first.as_deref() == Some("--exchange");
        if exchange {
            first = arguments.next();
        }
        let (workload, samples, series, mut jobs) = match first.as_deref() {
            Some("W1") => (Workload::Tumbling, 20_000_000, 10_000, 2),
            Some("W2") => (Workload::Sliding, 2_000_000, 1_000, 2),
            Some("W3") => (Workload::Keyed, 20_000_000, 10_000, 2),
            Some("W4") => (Workload::Latency, 2_000_000, 10_000, 1),
            _ => return Err("the first argument is a workload: W1, W2, W3 or W4".into()),
        };
        let mut job = Job {
            workload,
            samples,
            series,
            threads: 1,
            exchange,
        };
        while let Some(option) = arguments.next() {
            let value = arguments
                .next()
                .and_then(|text| text.parse::<u32>().ok())
                .filter(|&value| value > 0);
            let value = value.ok_or_else(|| format!("{option} wants a positive number"))?;
            match option.as_str() {
                "--samples" => job.samples = value.into(),
                "--series" => job.series = value,
                "--threads" if value.is_power_of_two() => job.threads = value as usize,
                "--threads" => return Err("--threads wants a power of two".into()),
                "--jobs" => jobs = value as usize,
                _ => return Err(format!("there is no option {option}")),
            }
        }
        Ok((job, jobs))
    }

    pub fn name(&self) -> &'static str {
        match self.workload {
            Workload::Tumbling => "W1",
            Workload::Sliding => "W2",
            Workload::Keyed => "W3",
            Workload::Latency => "W4",
        }
    }

    pub fn engine(&self) -> &'static str {
        if self.exchange { "timely-exchange" } else { "timely" }
    }

    /// The series that worker `index` makes: those whose state it has, or, for an exchange, a range of which each
    /// worker has an equal share.
    pub fn part(&self, index: usize) -> Part {
        let (index, threads) = (index as u32, self.threads as u32);
        if self.exchange {
            let share = self.series.div_ceil(threads);
            Part {
                first: (index * share).min(self.series),
                stride: 1,
                end: ((index + 1) * share).min(self.series),
            }
        } else {
            Part {
                first: index,
                stride: threads,
                end: self.series,
            }
        }
    }
}
