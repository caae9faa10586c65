//! How large the scenarios are run in which one caller, provider or line is in trouble, and the rest
//! must not be.

use std::time::Duration;

use astralform_soak::{
    Error, Report, Stage,
    half_open::{self, HalfOpen},
    hanging::{self, Hanging},
    incident::{self, Incident},
    refused::{self, Refused},
    successor::{self, Successor},
};

use crate::{Arguments, BOTH, shown};

impl Arguments {
    pub(crate) async fn refused(&self, stage: &Stage) -> Result<Vec<Report>, Error> {
        let (connections, time, quiet) = if self.quick { (300, 20, 4) } else { (2_000, 240, 20) };
        let time = Duration::from_secs(time);
        let quiet = Duration::from_secs(quiet);
        let refused = Refused { connections, time, quiet };
        Ok(vec![shown(refused::run(stage, refused).await?)])
    }

    pub(crate) async fn half_open(&self, stage: &Stage) -> Result<Vec<Report>, Error> {
        let (times, every, slow) = if self.quick { (1, 12, 10) } else { (5, 30, 60) };
        let every = Duration::from_secs(every);
        let slow = Duration::from_secs(slow);
        let half_open = HalfOpen { times, every, slow };
        Ok(vec![shown(half_open::run(stage, half_open).await?)])
    }

    pub(crate) async fn hanging(&self, stage: &Stage) -> Result<Vec<Report>, Error> {
        let (connections, time) = if self.quick { (120, 60) } else { (300, 240) };
        let mut reports = Vec::new();
        for database in BOTH {
            let hanging = Hanging { database, connections, time: Duration::from_secs(time) };
            reports.push(shown(hanging::run(stage, hanging).await?));
        }
        Ok(reports)
    }

    pub(crate) async fn successor(&self, stage: &Stage) -> Result<Vec<Report>, Error> {
        let (connections, latency) = if self.quick { (5, 4) } else { (20, 12) };
        let successor = Successor { connections, latency: Duration::from_secs(latency) };
        Ok(vec![shown(successor::run(stage, successor).await?)])
    }

    pub(crate) async fn incident(&self, stage: &Stage) -> Result<Vec<Report>, Error> {
        let (users, time) = if self.quick { (40, 10) } else { (200, 60) };
        let mut reports = Vec::new();
        for database in BOTH {
            let incident = Incident { database, users, time: Duration::from_secs(time) };
            reports.push(shown(incident::run(stage, incident).await?));
        }
        Ok(reports)
    }
}
