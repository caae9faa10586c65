use super::answer::Refusal;
use super::tokens::{Access, Issued, Refresh, Terms, Tokens};
use crate::outside::Outside;

/// How many access tokens of one consent live at a time; refreshing beyond revokes the oldest.
const LIVE_PER_CHAIN: usize = 2;

/// A refresh token as an app presents it.
pub(crate) struct Presented<'a> {
    pub(crate) client_id: &'a str,
    /// Whether the app proved who it is.
    pub(crate) proven: bool,
    pub(crate) refresh_token: &'a str,
}

// === impl Tokens ===

impl Tokens {
    /// Trades a refresh token for a new pair; the used one is gone.
    pub(crate) fn rotate(
        &mut self,
        presented: &Presented<'_>,
        terms: Terms,
        outside: &Outside,
    ) -> Result<Issued, Refusal> {
        let known = self.refresh.get(presented.refresh_token);
        let known = known.filter(|known| {
            let holder = self.grants.get(&known.grant).map(|grant| grant.client_id.as_str());
            let expired = known.expires_at.is_some_and(|at| at <= outside.now());
            terms.rotation && !expired && holder == Some(presented.client_id)
        });
        let known = known.ok_or(Refusal::new("invalid_refresh_token"))?;
        let Refresh { grant, chain, on_device, .. } = *known;
        if !presented.proven && !on_device {
            return Err(Refusal::new("bad_client_secret"));
        }
        self.refresh.remove(presented.refresh_token);
        let issued = self.mint(grant, chain, Terms { on_device, ..terms }, outside);
        self.crowd_out(chain);
        Ok(issued)
    }

    fn crowd_out(&mut self, chain: u64) {
        let alive = |access: &Access| access.chain == chain && !access.revoked;
        let mut alive: Vec<_> = self.access.iter().filter(|(_, access)| alive(access)).collect();
        alive.sort_by_key(|(_, access)| std::cmp::Reverse(access.number));
        let excess = alive.into_iter().skip(LIVE_PER_CHAIN);
        let excess: Vec<_> = excess.map(|(token, _)| token.clone()).collect();
        for token in excess {
            self.kill(token);
        }
    }
}
