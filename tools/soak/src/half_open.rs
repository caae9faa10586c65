//! The lines to PostgreSQL are half open: those that are open carry nothing, new ones would work.
//! And a database that takes seconds for each answer.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use astralform_simulator::hostile::{Rotation, Temper};

use crate::{
    Report, Result, Stage,
    client::{Client, Outcome},
    fill::{Life, end_user},
    installation::Start,
    proxy::Proxy,
    watch::{Seen, Watch},
    world::World,
};

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub struct HalfOpen {
    /// How often the lines are forgotten.
    pub times: usize,
    /// How long after one time the next one comes.
    pub every: Duration,
    /// For how long the database is slow.
    pub slow: Duration,
}

/// The end users whose calls the server has seen before.
const WARM: usize = 50;
/// How soon everything is as before.
const HEALS_WITHIN: Duration = Duration::from_secs(10);
/// How long `/readyz` may take, whatever the answer, and a warm call.
const QUICKLY: Duration = Duration::from_millis(1_500);
/// How long the slow database takes for an answer.
const AN_ANSWER: Duration = Duration::from_secs(3);
/// How long anything is waited for: longer than the product may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What goes on all the while.
struct Watches {
    /// Calls of the end users that the server has seen before.
    warm: Watch,
    /// Sessions that are opened, which takes a write.
    writes: Watch,
    /// Answers of `/readyz`, the good ones and the others.
    readiness: Watch,
}

/// Puts a proxy before PostgreSQL that forgets lines, then one that is slow.
///
/// # Errors
/// When it could not be run.
pub async fn run(stage: &Stage, half_open: HalfOpen) -> Result<Report> {
    let HalfOpen { times, every, slow } = half_open;
    let mut report = Report::begin(format!(
        "Half-open: the lines to PostgreSQL are forgotten {times} times, every {every:?}, under load; \
         then it takes {AN_ANSWER:?} an answer for {slow:?}"
    ));
    let url = stage.create_database()?;
    let proxy = Proxy::start(address_of(&url)?).await?;
    let url = url.replace(&address_of(&url)?.to_string(), &proxy.address.to_string());
    let temper = Temper { rotation: Rotation::Strict, ..Temper::default() };
    let world = stage.set_up_at(Some(url), temper).await?;
    world.fill(0..WARM, Life::Left(Duration::from_hours(2))).await?;
    let node = world.installation.start(&Start::default()).await?;
    let lost = world.lost(node.address, 0..WARM, PATIENCE).await?;
    report.equal("connections that do not work before", lost, 0);
    let watches = Watches::start(&world, node.address);
    let mut is_well = true;
    for time in 1..=times {
        tokio::time::sleep(Duration::from_secs(2)).await;
        watches.take();
        proxy.forget_lines();
        is_well = watches.heal(&mut report, &format!("time {time}"), every).await;
        if !is_well {
            break;
        }
    }
    if is_well {
        watches.take();
        proxy.delay(AN_ANSWER);
        tokio::time::sleep(slow).await;
        proxy.delay(Duration::ZERO);
        is_well = watches.heal(&mut report, "slow", HEALS_WITHIN).await;
    }
    report.equal("all is well by itself", is_well, true);
    watches.stop().await;
    report.figure("what the product complained of", world.installation.complaints());
    node.kill()?;
    Ok(report)
}

impl Watches {
    fn start(world: &World, at: SocketAddr) -> Self {
        let client = Client::with_patience(&world.installation.key, PATIENCE);
        let warm = {
            let client = client.clone();
            Watch::start(4, Duration::from_millis(10), move |number| {
                let client = client.clone();
                async move { client.read(at, &end_user(number % WARM)).await }
            })
        };
        let writes = {
            let client = client.clone();
            Watch::start(2, Duration::from_millis(50), move |number| {
                let client = client.clone();
                async move { opened(&client, at, number).await }
            })
        };
        let readiness = Watch::start(1, Duration::from_millis(200), move |_| {
            let client = client.clone();
            async move { ready(&client, at).await }
        });
        Self { warm, writes, readiness }
    }

    fn take(&self) -> [Seen; 3] {
        [self.warm.take(), self.writes.take(), self.readiness.take()]
    }

    async fn stop(self) {
        self.warm.stop().await;
        self.writes.stop().await;
        self.readiness.stop().await;
    }

    /// Watches for so long what the trouble that begins now does; whether it is over by then.
    async fn heal(&self, report: &mut Report, when: &str, time: Duration) -> bool {
        let began = Instant::now();
        tokio::time::sleep(time.max(HEALS_WITHIN + Duration::from_secs(2))).await;
        let [warm, writes, readiness] = self.take();
        report.claim(&format!("{when}: warm calls"), &warm, "all Completed", warm.is_good());
        let longest = warm.longest();
        report.within(&format!("{when}: longest warm call"), longest, QUICKLY);
        report.figure(&format!("{when}: writes"), &writes);
        let lasted = writes.trouble_after(began);
        let is_over = self.writes_again().await;
        let what = format!("{when}: until the last write that was not acknowledged");
        report.within(&what, if is_over { lasted } else { Duration::MAX }, HEALS_WITHIN);
        report.figure(&format!("{when}: readiness"), &readiness);
        let longest = readiness.longest();
        report.within(&format!("{when}: longest answer of `/readyz`"), longest, QUICKLY);
        is_over
    }

    /// Returns whether a write is acknowledged now.
    async fn writes_again(&self) -> bool {
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.writes.take().of(&Outcome::Completed) > 0
    }
}

async fn opened(client: &Client, at: SocketAddr, number: usize) -> Outcome {
    let wanted = serde_json::json!({"end_user_id": end_user(number % WARM), "expires_in": 600});
    match client.post(at, "/v1/sessions", &wanted).await {
        Ok((201, _)) => Outcome::Completed,
        Ok((status, _)) => Outcome::Refused(status),
        Err(error) => Outcome::Unanswered(error.to_string()),
    }
}

async fn ready(client: &Client, at: SocketAddr) -> Outcome {
    match client.readiness(at).await {
        Some(200) => Outcome::Completed,
        Some(status) => Outcome::Refused(status),
        None => Outcome::Unanswered("no answer in time".to_owned()),
    }
}

fn address_of(url: &str) -> Result<SocketAddr> {
    let host = url.split(['@', '/']).find(|part| part.starts_with("127.0.0.1:"));
    Ok(host.ok_or("PostgreSQL is not on loopback")?.parse()?)
}
