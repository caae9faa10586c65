//! The scenarios of `tools/soak`, small, with the binary that the tests are built with. The names
//! carry the rows of `docs/threat-model.md` that they prove; `.ci/soak` runs the same large.

use std::{path::Path, time::Duration};

use astralform_simulator::hostile::Rotation;
use astralform_soak::{
    Database, Manner, Postgres, Report, Stage, database,
    faults::{self, Faults},
    herd::{self, Herd},
    incident::{self, Incident},
    kills::{self, Kills},
    rolling::{self, Rolling},
    successor::{self, Successor},
};
use astralform_testkit::postgres_url;

fn stage(postgres: Option<Postgres>) -> Stage {
    Stage::new(env!("CARGO_BIN_EXE_astralform").into(), postgres)
}

/// Returns a stage with PostgreSQL, where there is one.
fn stage_on_postgres() -> Option<Stage> {
    let server = Postgres::at(&postgres_url()?);
    Some(stage(Some(server.expect("the client programs of PostgreSQL"))))
}

fn holds(report: Result<Report, astralform_soak::Error>) {
    let report = report.expect("it ran to its end");
    assert!(report.holds(), "{report}");
}

async fn herd(stage: &Stage, database: Database, nodes: usize) {
    let herd = Herd { database, nodes, connections: 30, callers: 10, in_flight: 60 };
    holds(herd::run(stage, herd).await);
}

#[tokio::test]
async fn r1_a_herd_at_three_nodes_refreshes_every_token_once() {
    let Some(stage) = stage_on_postgres() else { return };
    herd(&stage, Database::Postgres, 3).await;
}

#[tokio::test]
async fn r1_a_herd_at_one_node_refreshes_every_token_once() {
    herd(&stage(None), Database::Sqlite, 1).await;
}

#[tokio::test]
async fn r4_a_provider_that_errs_costs_nobody_a_connection_and_one_that_means_it_is_believed() {
    let faults = Faults {
        database: Database::Sqlite,
        refreshes: 120,
        seed: 5,
        hang: Duration::from_secs(1),
        patience: Duration::from_mins(2),
    };
    holds(faults::run(&stage(None), faults).await);
}

async fn kills(stage: &Stage, database: Database) {
    let grace = Rotation::Grace(Duration::from_mins(5));
    for (rotation, manner, random) in [
        (Rotation::Strict, Manner::Plain, 3),
        (Rotation::Strict, Manner::RefusesWithOk, 0),
        (grace, Manner::Plain, 1),
        (Rotation::None, Manner::Omits, 0),
    ] {
        let kills = Kills {
            database,
            companions: 0,
            rotation,
            manner,
            random,
            crash_points: true,
            expired: 10,
            seed: 7,
            patience: Duration::from_mins(3),
            writes_per_second: 1,
            recovery: Duration::from_secs(20),
        };
        holds(kills::run(stage, kills).await);
    }
}

#[tokio::test]
async fn r2_b1_whenever_the_process_dies_on_sqlite_nothing_is_lost_in_silence() {
    kills(&stage(None), Database::Sqlite).await;
}

#[tokio::test]
async fn r2_b1_whenever_the_process_dies_on_postgresql_nothing_is_lost_in_silence() {
    let Some(stage) = stage_on_postgres() else { return };
    kills(&stage, Database::Postgres).await;
}

#[tokio::test]
async fn b4_calls_go_on_while_postgresql_is_stopped_hard_and_all_is_well_when_it_is_back() {
    if postgres_url().is_none() {
        return;
    }
    let program = Path::new(env!("CARGO_BIN_EXE_astralform"));
    holds(database::stopped(program, 2, Duration::from_secs(3)).await);
}

#[tokio::test]
async fn b7_servers_are_replaced_under_load_and_no_call_fails() {
    let Some(stage) = stage_on_postgres() else { return };
    holds(rolling::run(&stage, Rolling { nodes: 2, rounds: 2, connections: 30 }).await);
}

#[tokio::test]
async fn r4_an_incident_at_a_provider_costs_no_active_user_a_reconnect() {
    let incident = Incident { database: Database::Sqlite, users: 20, time: Duration::from_secs(6) };
    holds(incident::run(&stage(None), incident).await);
}

#[tokio::test]
async fn b7_the_next_server_at_an_address_sends_no_token_that_the_one_before_has_sent() {
    let Some(stage) = stage_on_postgres() else { return };
    let successor = Successor { connections: 5, latency: Duration::from_secs(3) };
    holds(successor::run(&stage, successor).await);
}
