//! What was measured, of whom, under which load.

use std::time::Duration;

use crate::figures::Latencies;

/// Where a database is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The upstream itself.
    Direct,
    /// nginx in front of it.
    Nginx,
    /// The product in front of it.
    Product {
        /// What it keeps its data in.
        database: Database,
        /// How many connections are stored.
        connections: usize,
    },
}

/// Under which load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// One connection, each call for an end user whom the process has not seen before.
    Cold,
    /// So many requests a second, whatever comes back.
    Open(u32),
    /// So many connections, each with one request at a time.
    Closed(usize),
}

/// One run's figures: milliseconds, and microseconds of CPU time for each request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Of the one measured; the upstream's own where it is called directly.
    pub(crate) cpu: f64,
    pub(crate) database_cpu: f64,
    pub(crate) upstream_cpu: f64,
    pub(crate) load_cpu: f64,
}

/// What a start of the product showed: milliseconds and MiB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Life {
    pub(crate) ready_after: f64,
    pub(crate) idle: f64,
    pub(crate) after_load: f64,
}

/// The CPU time that each had used at some moment.
#[derive(Clone, Copy, Default)]
pub(crate) struct Used {
    pub(crate) subject: Duration,
    pub(crate) database: Duration,
    pub(crate) upstream: Duration,
    pub(crate) load: Duration,
}

/// Everything that was measured, round by round.
#[derive(Default)]
pub(crate) struct Results {
    runs: Vec<(Subject, Load, Figures)>,
    lives: Vec<(Subject, Life)>,
}

impl Figures {
    pub(crate) fn new(latencies: &Latencies, before: Used, after: Used) -> Self {
        let count = u32::try_from(latencies.count()).unwrap_or(u32::MAX);
        let each = |before, after: Duration| {
            after.saturating_sub(before).as_secs_f64() * 1e6 / f64::from(count)
        };
        let millis = |percent| latencies.percentile(percent).as_secs_f64() * 1e3;
        Self {
            per_second: latencies.per_second(),
            p50: millis(50),
            p99: millis(99),
            cpu: each(before.subject, after.subject),
            database_cpu: each(before.database, after.database),
            upstream_cpu: each(before.upstream, after.upstream),
            load_cpu: each(before.load, after.load),
        }
    }
}

impl Results {
    pub(crate) fn ran(&mut self, subject: Subject, load: Load, figures: Figures) {
        self.runs.push((subject, load, figures));
    }

    pub(crate) fn lived(&mut self, subject: Subject, life: Life) {
        self.lives.push((subject, life));
    }

    /// Returns one figure of every round, in the order of the rounds.
    pub(crate) fn each(&self, subject: Subject, load: Load, of: fn(&Figures) -> f64) -> Vec<f64> {
        let runs = self.runs.iter().filter(|run| (run.0, run.1) == (subject, load));
        runs.map(|(_, _, figures)| of(figures)).collect()
    }

    /// Returns one figure of every start.
    pub(crate) fn each_life(&self, subject: Subject, of: fn(&Life) -> f64) -> Vec<f64> {
        let lives = self.lives.iter().filter(|life| life.0 == subject);
        lives.map(|(_, life)| of(life)).collect()
    }

    /// Returns the subjects, in the order in which they were first measured.
    pub(crate) fn subjects(&self) -> Vec<Subject> {
        let mut known = Vec::new();
        for (subject, _, _) in &self.runs {
            if !known.contains(subject) {
                known.push(*subject);
            }
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_shared_by_the_requests_of_a_run() {
        let latencies = vec![Duration::from_millis(1); 1_000];
        let latencies = Latencies::new(latencies, Duration::from_secs(1));
        let before = Used { subject: Duration::from_secs(3), ..Used::default() };
        let after = Used { subject: Duration::from_millis(3_050), ..Used::default() };
        let figures = Figures::new(&latencies, before, after);
        assert!((figures.cpu - 50.0).abs() < 1e-6, "{}", figures.cpu);
        assert!((figures.p99 - 1.0).abs() < 1e-6);
        assert!(figures.load_cpu.abs() < 1e-6);
    }
}
