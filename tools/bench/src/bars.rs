//! What a tool call may cost.

use std::fmt;

use crate::{
    figures::median,
    results::{Database, Figures, Life, Load, Results, Subject},
};

/// Something that was promised, and what became of it.
#[derive(Debug, PartialEq)]
pub(crate) struct Bar {
    pub(crate) what: String,
    pub(crate) limit: Amount,
    pub(crate) found: Amount,
}

/// A figure with its unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Amount {
    value: f64,
    unit: &'static str,
}

const MOST: usize = 1_000_000;
const FEW: usize = 1_000;

impl Bar {
    fn new(what: String, limit: f64, found: f64, unit: &'static str) -> Self {
        let amount = |value| Amount { value, unit };
        Self { what, limit: amount(limit), found: amount(found) }
    }

    pub(crate) fn is_met(&self) -> bool {
        self.found.value <= self.limit.value
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, unit } = self;
        let digits = if value.abs() < 10.0 { 2 } else { 0 };
        write!(f, "{value:.digits$} {unit}")
    }
}

/// Returns the bars, for each subject that they are about.
pub(crate) fn bars(results: &Results) -> Vec<Bar> {
    let mut bars = Vec::new();
    for subject in results.subjects().into_iter().filter(|subject| subject.is_product()) {
        let life = |of: fn(&Life) -> f64| median(results.each_life(subject, of));
        let cpu = median(results.each(subject, Load::Closed(32), |figures| figures.cpu));
        let found = [
            ("adds at p50 at 2,000/s", 0.5, added(results, subject, |f| f.p50), "ms"),
            ("adds at p99 at 2,000/s", 3.0, added(results, subject, |f| f.p99), "ms"),
            ("CPU per call at 32 connections", 75.0, cpu, "µs"),
            ("idle memory", 40.0, life(|life| life.idle), "MiB"),
            ("ready after start", 300.0, life(|life| life.ready_after), "ms"),
        ];
        for (what, limit, found, unit) in found {
            let what = format!("{subject}: {what}");
            bars.extend(found.map(|found| Bar::new(what, limit, found, unit)));
        }
    }
    bars.extend([Database::Sqlite, Database::Postgres].into_iter().filter_map(|database| {
        let what = format!("{database}: CPU per call with 1,000,000 stored, of that with 1,000");
        growth(results, database).map(|found| Bar::new(what, 110.0, found, "%"))
    }));
    bars
}

/// Returns what a subject adds to the upstream's own latency: the median of the rounds'
/// differences.
fn added(results: &Results, subject: Subject, of: fn(&Figures) -> f64) -> Option<f64> {
    const LOAD: Load = Load::Open(2_000);
    let direct = results.each(Subject::Direct, LOAD, of);
    let through = results.each(subject, LOAD, of);
    median(through.iter().zip(direct).map(|(through, direct)| through - direct))
}

/// Returns the CPU time of a call with many stored connections, in per cent of that with few.
fn growth(results: &Results, database: Database) -> Option<f64> {
    let cpu = |connections| {
        let subject = Subject::Product { database, connections };
        median(results.each(subject, Load::Closed(32), |figures| figures.cpu))
    };
    Some(cpu(MOST)? / cpu(FEW)? * 100.0)
}

impl Subject {
    pub(crate) fn is_product(self) -> bool {
        matches!(self, Self::Product { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(p50: f64, cpu: f64) -> Figures {
        Figures {
            per_second: 2_000.0,
            p50,
            p99: 10.0 * p50,
            cpu,
            database_cpu: 0.0,
            upstream_cpu: 1.0,
            load_cpu: 1.0,
        }
    }

    fn product(connections: usize) -> Subject {
        Subject::Product { database: Database::Sqlite, connections }
    }

    fn found<'a>(bars: &'a [Bar], what: &str) -> &'a Bar {
        bars.iter().find(|bar| bar.what.contains(what)).unwrap()
    }

    #[test]
    fn what_is_added_is_compared_within_each_round() {
        let mut results = Results::default();
        for (direct, through) in [(0.1, 0.5), (0.3, 0.7), (0.2, 2.0)] {
            results.ran(Subject::Direct, Load::Open(2_000), figures(direct, 1.0));
            results.ran(product(1_000), Load::Open(2_000), figures(through, 50.0));
        }
        let bars = bars(&results);
        let p50 = found(&bars, "at p50");
        let p99 = found(&bars, "at p99");
        assert!((p50.found.value - 0.4).abs() < 1e-9 && p50.is_met(), "{p50:?}");
        assert!((p99.found.value - 4.0).abs() < 1e-9 && !p99.is_met(), "{p99:?}");
    }

    #[test]
    fn a_million_connections_may_cost_what_a_thousand_do() {
        let mut results = Results::default();
        results.ran(product(1_000), Load::Closed(32), figures(1.0, 50.0));
        results.ran(product(1_000_000), Load::Closed(32), figures(1.0, 56.0));
        let bars = bars(&results);
        let growth = found(&bars, "with 1,000,000 stored");
        assert_eq!(growth.found.to_string(), "112 %");
        assert!(!growth.is_met());
    }

    #[test]
    fn what_was_not_measured_has_no_bar() {
        let mut results = Results::default();
        results.ran(product(1_000), Load::Closed(32), figures(1.0, 50.0));
        assert_eq!(bars(&results).len(), 1);
    }
}
