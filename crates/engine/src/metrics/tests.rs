use std::io::Write as _;

use astralform_catalog::{builtin, load};

use super::*;

fn metrics() -> Metrics {
    Metrics::new(&load(builtin().iter().copied()).0)
}

fn lines(metrics: &Metrics, begin: &str) -> Vec<String> {
    let all = metrics.exposition();
    all.lines().filter(|line| line.starts_with(begin)).map(ToOwned::to_owned).collect()
}

#[test]
fn two_expositions_of_the_same_are_the_same_line_by_line() {
    let all: Vec<_> = (0..8).map(|_| metrics().exposition()).collect();
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
    let version = format!("astralform_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
    assert!(all[0].lines().any(|line| line == version), "{}", all[0]);
}

#[test]
fn every_series_is_there_before_anything_has_happened() {
    let text = metrics().exposition();
    for line in [
        r#"astralform_tool_calls_total{connector="slack",outcome="completed"} 0"#,
        r#"astralform_tool_calls_total{connector="slack",outcome="outcome_unknown"} 0"#,
        r#"astralform_refreshes_total{connector="slack",outcome="cliff_upstream"} 0"#,
        r#"astralform_revocations_total{connector="slack",outcome="gave_up"} 0"#,
        r#"astralform_auth_requests_total{status="expired"} 0"#,
        r#"astralform_webhook_deliveries_total{outcome="refused"} 0"#,
        r#"astralform_outbox_depth{outbox="webhooks"} 0"#,
        "astralform_refreshes_in_flight 0",
        "astralform_database_up 0",
        "astralform_database_failures_total 0",
        "astralform_integrity_failures_total 0",
        "astralform_call_lines_dropped_total 0",
        "# EOF",
    ] {
        assert!(text.lines().any(|there| there == line), "{line}\n{text}");
    }
}

#[test]
fn a_call_is_counted_by_its_connector_and_by_how_it_ended() {
    let metrics = metrics();
    metrics.called("slack_list_channels", CallEnd::Completed, Duration::from_micros(700));
    metrics.called("slack_send_message", CallEnd::Completed, Duration::from_millis(1));
    metrics.called(
        "slack_list_channels",
        CallEnd::Failed(FailureKind::RateLimited),
        Duration::from_mins(1),
    );
    metrics.called("slack_list_channels", CallEnd::Refused, Duration::ZERO);
    metrics.called("no_such_tool", CallEnd::Completed, Duration::ZERO);
    let mut counted = lines(&metrics, "astralform_tool_calls_total");
    counted.retain(|line| !line.ends_with(" 0"));
    counted.sort();
    assert_eq!(
        counted,
        [
            r#"astralform_tool_calls_total{connector="slack",outcome="completed"} 2"#,
            r#"astralform_tool_calls_total{connector="slack",outcome="rate_limited"} 1"#,
            r#"astralform_tool_calls_total{connector="slack",outcome="refused"} 1"#,
        ]
    );
    let took = |rest: &str| {
        let all = lines(&metrics, "astralform_tool_call_duration_seconds");
        let line = format!("astralform_tool_call_duration_seconds_{rest}");
        assert!(all.contains(&line), "{line}\n{all:#?}");
    };
    took(r#"bucket{le="0.0005",connector="slack"} 1"#);
    took(r#"bucket{le="0.001",connector="slack"} 3"#);
    took(r#"bucket{le="30.0",connector="slack"} 3"#);
    took(r#"bucket{le="+Inf",connector="slack"} 4"#);
    took(r#"count{connector="slack"} 4"#);
    took(r#"sum{connector="slack"} 60.0017"#);
}

#[test]
fn a_refresh_is_in_flight_until_it_is_dropped() {
    let metrics = metrics();
    let slack = "slack".parse().unwrap();
    let under_way = metrics.refreshing();
    assert_eq!(
        lines(&metrics, "astralform_refreshes_in_flight"),
        ["astralform_refreshes_in_flight 1"]
    );
    metrics.refreshed(&slack, RefreshOutcome::Success);
    drop(under_way);
    let text = metrics.exposition();
    for line in [
        "astralform_refreshes_in_flight 0",
        "astralform_refresh_duration_seconds_count 1",
        r#"astralform_refreshes_total{connector="slack",outcome="success"} 1"#,
    ] {
        assert!(text.lines().any(|there| there == line), "{line}\n{text}");
    }
}

/// What the metrics cost each call. `cargo test --release -- --ignored a_counted_call` tells.
#[test]
#[ignore = "measures; it proves nothing"]
fn a_counted_call_costs_little() {
    const CALLS: u32 = 5_000_000;
    let metrics = metrics();
    let began = Instant::now();
    for _ in 0..CALLS {
        let call = Instant::now();
        metrics.called(
            "slack_list_channels",
            std::hint::black_box(CallEnd::Completed),
            call.elapsed(),
        );
    }
    let each = began.elapsed() / CALLS;
    assert!(each < Duration::from_micros(5), "{each:?}");
    writeln!(std::io::stderr(), "{each:?} each").unwrap();
}
