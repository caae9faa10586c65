//! Requests that may be sent again: `Idempotency-Key`.

use std::{sync::Arc, time::Duration};

use astralform_domain::{Actor, HostSet, ProjectId, Secret, Tenant, limits};
use astralform_storage::idempotent_requests::{self, Arriving, Earlier};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::{Fault, base::Base, places};

/// How long an answer is kept.
pub const LIFE: Duration = astralform_storage::retention::IDEMPOTENT_REQUESTS;

/// The longest that a request can take; one that is under way for longer was interrupted.
const LONGEST: Duration = Duration::from_mins(5);

/// A request that carried a key.
pub struct Repeatable<'a> {
    /// The project, and the environment where there is one.
    pub tenant: Tenant,
    /// Whom the request comes from and acts for, and its route: what the key is scoped to.
    pub scope: &'a [&'a str],
    /// The key itself.
    pub key: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// What to do with a request.
pub enum IdempotencyTurn {
    /// It is the first: carry it out, then [`Idempotency::keep_answer`] or
    /// [`Idempotency::forget_request`].
    First(Ticket),
    /// It came before: this was the answer.
    Before(Secret),
}

/// The place of a request that is under way.
pub struct Ticket {
    id: String,
    tenant: Tenant,
}

/// Why a request with a key is not carried out.
#[derive(Debug, Error)]
pub enum RepeatError {
    /// The key came with another request before.
    #[error(
        "this Idempotency-Key came with another request before: send a new one with this request"
    )]
    OtherRequest,
    /// The first one is under way.
    #[error("a request with this Idempotency-Key is under way: send this one again in a moment")]
    UnderWay,
    /// The first one broke off.
    #[error(
        "a request with this Idempotency-Key broke off and may have done its work: look whether it \
         has before you send it with a new key"
    )]
    Interrupted,
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Answers of requests that carry an `Idempotency-Key`.
#[derive(Clone)]
pub struct Idempotency {
    base: Arc<Base>,
}

impl Idempotency {
    pub(crate) fn new(base: &Arc<Base>) -> Self {
        Self { base: Arc::clone(base) }
    }

    /// Takes the place of a request, or finds the answer to the one that came before.
    ///
    /// # Errors
    /// When the request cannot be carried out, or not yet.
    pub async fn take_turn(
        &self,
        request: &Repeatable<'_>,
    ) -> Result<IdempotencyTurn, RepeatError> {
        let id = identity(request);
        let request_digest = Sha256::digest(request.body).into();
        let now = self.base.now();
        let project = request.tenant.project;
        let arriving =
            Arriving { id: &id, tenant: request.tenant, request_digest: &request_digest };
        let mut tx = self.base.begin(Actor::Product).await.map_err(Fault::from)?;
        let since = now.before(LIFE);
        let earlier = idempotent_requests::claim(&mut tx, arriving, since, now).await;
        let earlier = earlier.map_err(Fault::from)?;
        tx.commit().await.map_err(Fault::from)?;
        let ticket = Ticket { id, tenant: request.tenant };
        match earlier {
            None => Ok(IdempotencyTurn::First(ticket)),
            Some(earlier) if earlier.request_digest != request_digest => {
                Err(RepeatError::OtherRequest)
            }
            Some(Earlier { answer: Some(answer), .. }) => {
                let key = self.base.keys_of(project).await?;
                let opened = key.open(
                    places::idempotent_answer(ticket.tenant, &ticket.id, &HostSet::default()),
                    &answer,
                );
                Ok(IdempotencyTurn::Before(opened.map_err(Fault::from)?))
            }
            Some(earlier) if earlier.created_at.after(LONGEST) > now => Err(RepeatError::UnderWay),
            Some(_) => Err(RepeatError::Interrupted),
        }
    }

    /// Keeps the answer to a request for those that come again. Of one that is too large to be
    /// kept, only that it was given is known: what comes again is refused as interrupted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keep_answer(&self, ticket: &Ticket, answer: &Secret) -> Result<(), Fault> {
        if limits::KEPT_ANSWER.is_exceeded_by(answer.expose().len()) {
            tracing::warn!("an answer is too large to be kept for its Idempotency-Key");
            return Ok(());
        }
        let key = self.base.keys_of(ticket.tenant.project).await?;
        let sealed = key.seal(
            places::idempotent_answer(ticket.tenant, &ticket.id, &HostSet::default()),
            answer,
            &self.base.entropy,
        );
        Ok(idempotent_requests::answer(&self.base.db, &ticket.id, &sealed).await?)
    }

    /// Gives the place back: nothing was done, and the same request may come again.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_request(&self, ticket: &Ticket) -> Result<(), Fault> {
        Ok(idempotent_requests::forget(&self.base.db, &ticket.id).await?)
    }
}

/// Returns one digest of all that a key is scoped to, each part with its length before it.
fn identity(request: &Repeatable<'_>) -> String {
    let Repeatable { tenant, scope, key, .. } = request;
    let mut digest = Sha256::new();
    let project: ProjectId = tenant.project;
    add_part(&mut digest, &project.to_bytes());
    add_part(&mut digest, tenant.environment.as_str().as_bytes());
    for text in *scope {
        add_part(&mut digest, text.as_bytes());
    }
    add_part(&mut digest, key.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.finalize())
}

fn add_part(digest: &mut Sha256, bytes: &[u8]) {
    digest.update((bytes.len() as u64).to_be_bytes());
    digest.update(bytes);
}
