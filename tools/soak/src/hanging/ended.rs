use std::time::{Duration, Instant};

use astralform_simulator::hostile::Habit;
use astralform_testkit::{HostileProvider, Receiver};
use serde_json::json;

use super::{HANG, HEALTHY, SOON, Scene};
use crate::{
    Report, Result,
    fill::{Life, Stored},
    neighbour::Neighbour,
};

/// How many connections nobody confirmed in time.
const UNCONFIRMED: usize = 40;

impl Scene<'_> {
    /// Ends connections at both providers, with a webhook that hangs and one that is well.
    pub(super) async fn end(&self, report: &mut Report, hanging: usize) -> Result<()> {
        let slow = Receiver::start().await;
        let quick = Receiver::start().await;
        slow.delay(HANG);
        for receiver in [&slow, &quick] {
            let path = self.path("webhooks");
            let wanted = json!({"url": receiver.url});
            let (status, body) = self.admin.post(self.node.address, &path, &wanted).await?;
            if status != 201 {
                return Err(format!("no webhook ({status}): {body}").into());
            }
        }
        self.world.hostile().change(|temper| temper.habits.extend([Habit::RevocationHangs]));
        let end_users = hanging..hanging + UNCONFIRMED;
        let unconfirmed = Stored::unconfirmed(Life::Left(Duration::from_hours(2)));
        self.world.fill(end_users, unconfirmed).await?;
        let took = self.until(|| async { Ok(self.unconfirmed().await? == 0) }).await?;
        report.within("until the connections that nobody confirmed have ended here", took, SOON);
        self.revoke(HostileProvider::CONNECTOR).await?;
        let ended = self.revoke(Neighbour::CONNECTOR).await?;
        report.equal("connections of the other that were revoked", ended, HEALTHY as u64);
        let took = self.until(|| async { Ok(self.confirmed().await? == HEALTHY as u64) }).await?;
        report.within("until the other has confirmed all of them", took, SOON);
        let told = hanging + UNCONFIRMED + HEALTHY;
        let took = self.until(|| async { Ok(quick.received().len() >= told) }).await?;
        report.within("until the webhook that is well was told of everything", took, SOON);
        report.figure("deliveries that the webhook which hangs was sent", slow.received().len());
        Ok(())
    }

    fn path(&self, what: &str) -> String {
        format!("/v1/projects/{}/{what}?environment=test", self.world.installation.project)
    }

    /// Waits until something holds; how long that took, twice the bar at most.
    async fn until<F: Future<Output = Result<bool>>>(
        &self,
        holds: impl Fn() -> F,
    ) -> Result<Duration> {
        let began = Instant::now();
        while began.elapsed() < 2 * SOON && !holds().await? {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(began.elapsed())
    }

    /// Revokes all connections of a connector; how many there were.
    async fn revoke(&self, connector: &str) -> Result<u64> {
        let path = self.path("connections/revoke");
        let wanted = json!({"connector": connector});
        let (status, body) = self.admin.post(self.node.address, &path, &wanted).await?;
        let ended = body["connections"].as_u64();
        ended.ok_or_else(|| format!("nothing is revoked ({status}): {body}").into())
    }

    /// Returns how many connections of the other its provider has confirmed the end of.
    async fn confirmed(&self) -> Result<u64> {
        let connector = Neighbour::CONNECTOR;
        let path = format!("{}&connector={connector}&limit=1", self.path("revocations"));
        let (_, body) = self.admin.get(self.node.address, &path).await?;
        Ok(body["counts"]["provider_confirmed"].as_u64().unwrap_or_default())
    }

    /// Returns how many connections wait to be confirmed.
    async fn unconfirmed(&self) -> Result<usize> {
        let path = format!("{}&status=awaiting_confirmation", self.path("connections"));
        let (status, body) = self.admin.get(self.node.address, &path).await?;
        let rows = body["data"].as_array().map(Vec::len);
        rows.ok_or_else(|| format!("no connections ({status}): {body}").into())
    }
}
