//! The benchmarks' workloads on timely dataflow: `[--exchange] WORKLOAD --samples N --series S --threads T --jobs J`
//! runs a job J times, each from nothing, and prints a line of JSON after each.

mod job;
mod keyed;
mod latency;
mod panes;
mod run;
mod samples;
mod sliding;
mod source;
mod tally;
mod tumbling;

use std::process::ExitCode;

fn main() -> ExitCode {
    let (job, jobs) = match job::Job::parse(std::env::args().skip(1)) {
        Ok(parsed) => parsed,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    for _ in 0..jobs {
        match run::run(job) {
            Ok(outcome) => println!("{outcome}"),
            Err(wrong) => {
                eprintln!("{wrong}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
