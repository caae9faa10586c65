use std::sync::Arc;

use astralform_domain::{
    Actor, AuthFailure, AuthRequest, AuthRequestId, AuthStatus, Connection, ConnectionState, Owner,
    StatusReason, Tenant,
};
use astralform_storage::{auth_requests, freezes, project_connectors};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use super::{Prompt, link::confirmation_proof};
use crate::{
    Fault, Frozen,
    audit::Event,
    auth_requests::Prompts,
    base::Base,
    cache::Cache,
    connections::{Arrival, Connections},
    connectors::Connectors,
    revocations::Revocations,
};

/// Why a confirmation confirms nothing.
#[derive(Debug, Error)]
pub enum ConfirmError {
    /// This project has no such request.
    #[error(
        "this project has no auth request of that id to confirm: send the `id` that the prompt had"
    )]
    Unknown,
    /// There is nothing to confirm, or nothing any more.
    #[error(
        "the auth request is {0} and not awaiting_confirmation, so that there is nothing to confirm: \
         unless it is completed, prompt the end user again"
    )]
    NotAwaiting(AuthStatus),
    /// The proof is not the one that the browser was given.
    #[error(
        "`confirmation` is not the one that the browser brought to the return URL, and nothing has \
         changed: send that one, to the letter"
    )]
    WrongProof,
    /// The end user named is not the one the request was made for. The connection is gone.
    #[error(
        "`end_user_id` is not whom the auth request was made for, so the connection has been \
         erased: prompt the right end user again"
    )]
    EndUserMismatch,
    /// The project is frozen.
    #[error(transparent)]
    Frozen(#[from] Frozen),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What is said of the browser that finished: by the developer's backend it came back to, or by the
/// member who shares an account.
pub struct Confirmation<'a> {
    /// Who is signed in, in that browser; or that the account is the project's.
    pub owner: &'a Owner,
    /// The `confirmation` that the browser was given.
    pub proof: &'a str,
}

/// Makes connections usable once the developer's backend has confirmed who finished.
#[derive(Clone)]
pub struct Confirmations {
    base: Arc<Base>,
    prompts: Arc<Prompts>,
    cache: Arc<Cache>,
    revocations: Arc<Revocations>,
    connections: Arc<Connections>,
    connectors: Arc<Connectors>,
}

impl Confirmations {
    pub(crate) fn new(prompts: &Arc<Prompts>, revocations: &Arc<Revocations>) -> Self {
        Self {
            base: Arc::clone(&prompts.base),
            prompts: Arc::clone(prompts),
            cache: Arc::clone(&prompts.cache),
            revocations: Arc::clone(revocations),
            connections: Arc::clone(&prompts.connections),
            connectors: Arc::clone(&prompts.connectors),
        }
    }

    /// Takes the word of the developer's backend, or of a member, on who finished in the browser.
    /// If that is the one who was asked, the connection becomes usable; if not, it is erased, and
    /// revoked at the provider.
    ///
    /// # Errors
    /// When there is nothing to confirm, the proof is not that of the browser that finished, or
    /// another end user is named.
    pub async fn confirm(
        &self,
        by: Actor,
        tenant: Tenant,
        id: AuthRequestId,
        said: &Confirmation<'_>,
    ) -> Result<Prompt, ConfirmError> {
        self.cache.ensure_not_frozen(tenant.project).await??;
        let (request, connection) = self.awaiting(tenant, id, said.owner).await?;
        let key = self.base.keys_of(tenant.project).await?;
        let proof = confirmation_proof(id, connection.id, &key);
        if !bool::from(proof.as_bytes().ct_eq(said.proof.as_bytes())) {
            return Err(ConfirmError::WrongProof);
        }
        if request.owner != *said.owner {
            let failed = request.state.failed(AuthFailure::EndUserMismatch, None);
            let why = StatusReason::EndUserMismatch;
            if self.prompts.give_up(&request, &connection, failed, why).await? {
                self.revocations.revoke_now(&connection).await;
            }
            return Err(ConfirmError::EndUserMismatch);
        }
        let activated = self.activate(by, &request, connection).await??;
        let prompt = self.prompts.prompt(tenant, id).await?.ok_or(ConfirmError::Unknown)?;
        if activated { Ok(prompt) } else { Err(ConfirmError::NotAwaiting(prompt.status)) }
    }

    /// Returns what is to be confirmed. Whoever may confirm requests of one kind of owner does not
    /// learn of the others.
    async fn awaiting(
        &self,
        tenant: Tenant,
        id: AuthRequestId,
        owner: &Owner,
    ) -> Result<(AuthRequest, Connection), ConfirmError> {
        let found = auth_requests::find(&self.base.db, tenant, id).await.map_err(Fault::from)?;
        let request = found.filter(|found| found.owner.is_alike(owner));
        let request = request.ok_or(ConfirmError::Unknown)?;
        let status = request.status_at(self.base.now());
        if status != AuthStatus::AwaitingConfirmation {
            return Err(ConfirmError::NotAwaiting(status));
        }
        match self.prompts.waiting_connection(&request).await? {
            Some(connection) => Ok((request, connection)),
            None => Err(ConfirmError::NotAwaiting(AuthStatus::Completed)),
        }
    }

    async fn activate(
        &self,
        by: Actor,
        request: &AuthRequest,
        waiting: Connection,
    ) -> Result<Result<bool, Frozen>, Fault> {
        let tokens = self.connections.open_tokens(&waiting).await?;
        let key = self.base.keys_of(request.tenant.project).await?;
        let pcon =
            self.connectors.project_connector(request.tenant, request.project_connector).await?;
        let chain = self.base.project_chain(request.tenant.project).await?;
        let mut tx = self.base.begin(by).await?;
        if !freezes::is_thawed(&mut tx, request.tenant.project).await? {
            return Ok(Err(Frozen));
        }
        if !project_connectors::holds(&mut tx, &pcon).await? {
            return Ok(Ok(false));
        }
        let owner = self.connections.lock_owner(&mut tx, request.tenant, &request.owner).await?;
        if !auth_requests::confirm(&mut tx, request).await? {
            return Ok(Ok(false));
        }
        let connection = Connection { state: ConnectionState::ACTIVE, ..waiting.clone() };
        let connector = self.base.catalog.connector(&pcon.connector).map(Arc::as_ref);
        let arrival = Arrival {
            connection,
            tokens: &tokens,
            end_user: owner,
            waiting: Some(&waiting),
            request,
            connector,
        };
        let settled = self.connections.settle(&mut tx, arrival, &key).await?;
        auth_requests::point_to(&mut tx, request.id, settled).await?;
        let event = Event::new("connection.confirmed", settled);
        let event = event.within(request.tenant.environment).of_owner(&request.owner);
        let event = event.with("auth_request", request.id.to_string());
        chain.record(&mut tx, &event).await?;
        tx.commit().await?;
        tracing::info!(auth_request.id = %request.id, connection.id = %settled, "confirmed");
        self.base.count_prompt(request, AuthStatus::Completed);
        self.prompts.state.changes.announce(request.id);
        Ok(Ok(true))
    }
}
