//! The order of measurements: round by round, each subject in turn, each round beginning with
//! another one.

use std::{net::SocketAddr, rc::Rc, time::Duration};

use crate::{
    Result, cpu,
    figures::{Latencies, ratio},
    fill::end_user,
    installations::{COMPLETED, Filled},
    load::{Limit, Pace, Target, closed, open},
    nginx::Nginx,
    note,
    postgres::Postgres,
    product::Server,
    results::{Database, Figures, Life, Load, Results, Subject, Used},
    upstream::Upstream,
    workload::Workload,
};

/// End users whose calls are warm.
const WARM: usize = 1_000;
/// Cold calls of one round.
const COLD: usize = 1_000;
/// The loads on every subject.
pub(crate) const LOADS: [Load; 4] =
    [Load::Open(2_000), Load::Closed(1), Load::Closed(32), Load::Closed(256)];

/// Everything that runs while subjects are measured.
pub(crate) struct Stage {
    pub(crate) workload: Rc<Workload>,
    pub(crate) nginx: Nginx,
    pub(crate) filled: Vec<Filled>,
    pub(crate) postgres: Option<Postgres>,
    pub(crate) upstream: Upstream,
}

/// How often, and how long each run.
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) time: Duration,
}

/// Whose CPU time counts as whose.
struct Processes {
    subject: Vec<u32>,
    upstream: u32,
    /// PostgreSQL itself, where the subject uses it.
    database: Option<u32>,
}

impl Stage {
    /// Measures everything, and says so while it goes on.
    pub(crate) async fn measure(&self, plan: &Plan) -> Result<Results> {
        let products = self.filled.iter().map(Filled::subject);
        let subjects: Vec<_> =
            [Subject::Direct, Subject::Nginx].into_iter().chain(products).collect();
        let mut results = Results::default();
        for round in 0..plan.rounds {
            for turn in 0..subjects.len() {
                let subject = subjects[(round + turn) % subjects.len()];
                note(&format!("round {} of {}: {subject}", round + 1, plan.rounds));
                self.turn(subject, round, plan, &mut results).await?;
            }
        }
        Ok(results)
    }

    async fn turn(
        &self,
        subject: Subject,
        round: usize,
        plan: &Plan,
        results: &mut Results,
    ) -> Result<()> {
        let upstream = self.upstream.child.id();
        match subject {
            Subject::Direct => {
                let processes = Processes { subject: vec![upstream], upstream, database: None };
                let target = self.direct(self.upstream.address);
                loads(subject, &target, &processes, plan, results).await
            }
            Subject::Nginx => {
                let workers = cpu::children(self.nginx.child.id())?;
                let processes = Processes { subject: workers, upstream, database: None };
                loads(subject, &self.direct(self.nginx.address), &processes, plan, results).await
            }
            Subject::Product { .. } => {
                let filled = self.filled.iter().find(|filled| filled.subject() == subject);
                let filled = filled.ok_or("a subject that was not prepared")?;
                self.product(filled, round, plan, results).await
            }
        }
    }

    fn direct(&self, address: SocketAddr) -> Rc<Target> {
        Rc::new(Target { address, requests: vec![self.workload.direct()], good: "{\"ok\":true" })
    }

    async fn product(
        &self,
        filled: &Filled,
        round: usize,
        plan: &Plan,
        results: &mut Results,
    ) -> Result<()> {
        let subject = filled.subject();
        let server = filled.installation.start().await?;
        let process = server.child.id();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let idle = mib(cpu::resident(process)?);
        let database = match filled.database {
            Database::Sqlite => None,
            Database::Postgres => self.postgres.as_ref().map(|server| server.child.id()),
        };
        let processes =
            Processes { subject: vec![process], upstream: self.upstream.child.id(), database };

        let cold = self.calls(filled, &server, &cold_users(filled.connections, round));
        let once = Limit { time: plan.time * 10, requests: COLD };
        let figures = measured(&processes, closed(&cold, 1, once)).await?;
        results.ran(subject, Load::Cold, say(Load::Cold, figures));

        let warm: Vec<usize> = (0..WARM).collect();
        let target = self.calls(filled, &server, &warm);
        loads(subject, &target, &processes, plan, results).await?;
        let ready_after = server.ready_after.as_secs_f64() * 1e3;
        let life = Life { ready_after, idle, after_load: mib(cpu::resident(process)?) };
        note(&format!("  {life}"));
        results.lived(subject, life);
        Ok(())
    }

    fn calls(&self, filled: &Filled, server: &Server, users: &[usize]) -> Rc<Target> {
        let key = &filled.installation.made.key;
        let call = |number: &usize| self.workload.call(key, &end_user(*number));
        let requests = users.iter().map(call).collect();
        Rc::new(Target { address: server.address, requests, good: COMPLETED })
    }
}

impl Filled {
    fn subject(&self) -> Subject {
        Subject::Product { database: self.database, connections: self.connections }
    }
}

/// Returns users whom this process has not seen: of many, others in each round, from all over the
/// table.
fn cold_users(connections: usize, round: usize) -> Vec<usize> {
    const STRIDE: usize = 797;
    match connections.checked_sub(WARM) {
        None | Some(0) => (0..connections.min(COLD)).collect(),
        Some(others) => (0..COLD).map(|at| WARM + (round * COLD + at) * STRIDE % others).collect(),
    }
}

/// Warms a subject up, then puts every load on it.
async fn loads(
    subject: Subject,
    target: &Rc<Target>,
    processes: &Processes,
    plan: &Plan,
    results: &mut Results,
) -> Result<()> {
    closed(target, 32, Limit { time: plan.time, requests: 4 * WARM }).await?;
    for load in LOADS {
        let limit = Limit { time: plan.time, requests: usize::MAX };
        let figures = match load {
            Load::Open(per_second) => {
                measured(processes, open(target, Pace { per_second, time: plan.time })).await?
            }
            Load::Closed(connections) => {
                measured(processes, closed(target, connections, limit)).await?
            }
            Load::Cold => continue,
        };
        results.ran(subject, load, say(load, figures));
    }
    Ok(())
}

async fn measured(
    processes: &Processes,
    run: impl Future<Output = Result<Latencies>>,
) -> Result<Figures> {
    let before = processes.used()?;
    let latencies = run.await?;
    Ok(Figures::new(&latencies, before, processes.used()?))
}

fn say(load: Load, figures: Figures) -> Figures {
    note(&format!("  {load}: {figures}"));
    figures
}

impl Processes {
    fn used(&self) -> Result<Used> {
        let database = self.database.map_or(Ok(Vec::new()), cpu::children)?;
        Ok(Used {
            subject: cpu::used(&self.subject)?,
            database: cpu::used(&database)?,
            upstream: cpu::used(&[self.upstream])?,
            load: cpu::used(&[std::process::id()])?,
        })
    }
}

pub(crate) fn mib(bytes: u64) -> f64 {
    ratio(usize::try_from(bytes / 1024).unwrap_or(usize::MAX)) / 1024.0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn cold_users_are_none_of_the_warm_ones_and_new_in_each_round() {
        let mut seen: BTreeSet<usize> = (0..WARM).collect();
        for round in 0..5 {
            for user in cold_users(1_000_000, round) {
                assert!(user < 1_000_000);
                assert!(seen.insert(user), "{user} comes again in round {round}");
            }
        }
    }

    #[test]
    fn of_as_many_users_as_are_warm_each_is_cold_once() {
        assert_eq!(cold_users(1_000, 3), (0..1_000).collect::<Vec<_>>());
    }
}
