use super::*;

fn figures(cpu: f64) -> Figures {
    Figures {
        per_second: 12_345.6,
        p50: 0.5,
        p99: 1.25,
        cpu,
        database_cpu: 2.0,
        upstream_cpu: 6.0,
        load_cpu: 7.0,
    }
}

fn conditions() -> Conditions {
    let machine = Machine {
        processor: "Some CPU".to_owned(),
        cores: 2,
        memory_gib: 15.6,
        kernel: "6.1".to_owned(),
        commit: "abc".to_owned(),
        date: "2026-01-31".to_owned(),
    };
    Conditions {
        machine,
        profile: "release".to_owned(),
        tool: "list".to_owned(),
        answer_bytes: 2_048,
        rounds: 3,
        seconds: 5,
    }
}

#[test]
fn a_report_has_medians_and_says_what_was_missed() {
    let product = Subject::Product { database: Database::Sqlite, connections: 1_000 };
    let mut results = Results::default();
    for cpu in [90.0, 40.0, 80.0] {
        results.ran(product, Load::Closed(32), figures(cpu));
        results.lived(product, Life { ready_after: cpu, idle: 20.0, after_load: 30.0 });
    }
    let report = report(&conditions(), &results);
    for expected in [
        "on 2026-01-31, of commit abc, build profile `release`, on 2 cores\nof Some CPU with 16 GiB",
        "| product, SQLite, 1,000 stored | 32 | 12346 | 0.50 | 1.25 | 80.0 | 2.0 | 6.0 | 7.0 |",
        "| product, SQLite, 1,000 stored: CPU per call at 32 connections | ≤ 75 µs | 80 µs | **missed** |",
        "| product, SQLite, 1,000 stored: ready after start | ≤ 300 ms | 80 ms | met |",
        "| product, SQLite, 1,000 stored | 80 | 20.0 | 30.0 |",
        "Medians of 3 rounds of 5 s",
    ] {
        assert!(report.contains(expected), "{expected}\n\n{report}");
    }
}

#[test]
fn counts_are_written_in_threes() {
    for (count, text) in [(1, "1"), (999, "999"), (1_000, "1,000"), (1_000_000, "1,000,000")] {
        assert_eq!(thousands(count), text);
    }
}
