use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::{HEALTHY, LIFETIME, SOON, Scene};
use crate::{Report, Result, fill::Life};

/// How far behind its end a token may be found that is refreshed ahead of it.
const OVERDUE: Duration = Duration::from_secs(1);

/// What is known of a grant: how often it was refreshed, and when that was seen.
struct Known {
    refreshes: usize,
    since: Instant,
}

impl Scene<'_> {
    /// Looks at the tokens of the provider that is well while the other hangs.
    pub(super) async fn stay_fresh(
        &self,
        report: &mut Report,
        hanging: usize,
        time: Duration,
    ) -> Result<()> {
        let wanted = hanging.min(32);
        let began = Instant::now();
        while self.world.hostile().ledger().peak < wanted && began.elapsed() < SOON {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let under_way = self.world.hostile().ledger().peak;
        report.claim("refreshes that hang", under_way, format!("≥ {wanted}"), under_way >= wanted);
        self.healthy.fill(0..HEALTHY, Life::Due(LIFETIME)).await?;
        let longest = self.longest_overdue(time).await;
        report.within("longest time that a token of the other was past its end", longest, OVERDUE);
        let families = self.healthy.hostile().families();
        let never = families.iter().filter(|family| family.refreshes == 0).count();
        report.equal("tokens of the other that were never refreshed", never, 0);
        let ledger = self.healthy.hostile().ledger();
        report.figure("refreshes of the other that took effect", ledger.refreshes);
        report.equal("grants that the other ended for re-use", ledger.reused, 0);
        Ok(())
    }

    /// Watches for so long, and returns how long a token was past its end.
    async fn longest_overdue(&self, time: Duration) -> Duration {
        let began = Instant::now();
        let mut known: HashMap<String, Known> = HashMap::new();
        let mut longest = Duration::ZERO;
        while began.elapsed() < time {
            for family in self.healthy.hostile().families() {
                let fresh = Known { refreshes: family.refreshes, since: Instant::now() };
                let known = known.entry(family.account).or_insert(Known { since: began, ..fresh });
                if known.refreshes < family.refreshes {
                    *known = Known { refreshes: family.refreshes, since: Instant::now() };
                }
                longest = longest.max(known.since.elapsed().saturating_sub(LIFETIME));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        longest
    }
}
