use astralform_domain::{
    AuthFailure, AuthRequest, AuthRequestId, AuthStatus, Connection, ConnectionStatus, Owner,
    StatusReason, Tenant,
};
use astralform_storage::{
    Tx,
    auth_requests::{self, Step},
    connections, freezes, project_connectors,
};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use super::{Prompt, link::confirmation};
use crate::{Engine, Fault, Frozen, connections::Arrival};

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

impl Engine {
    /// Takes the word of somebody who knows who finished in the browser. If that is who was asked,
    /// the connection becomes usable; if not, it is erased, and revoked at the provider.
    ///
    /// # Errors
    /// When there is nothing to confirm, the proof is not that of the browser that finished, or
    /// another end user is named.
    pub async fn confirm(
        &self,
        tenant: Tenant,
        id: AuthRequestId,
        said: &Confirmation<'_>,
    ) -> Result<Prompt, ConfirmError> {
        self.thawed(tenant.project).await??;
        let (request, connection) = self.awaiting(tenant, id).await?;
        if (request.owner == Owner::Project) != (*said.owner == Owner::Project) {
            return Err(ConfirmError::Unknown);
        }
        let key = self.keys.of(&self.db, tenant.project).await?;
        let proof = confirmation(id, connection.id, &key);
        if !bool::from(proof.as_bytes().ct_eq(said.proof.as_bytes())) {
            return Err(ConfirmError::WrongProof);
        }
        if request.owner != *said.owner {
            let why = (AuthStatus::Failed, Some(AuthFailure::EndUserMismatch));
            if self.give_up(&request, &connection, why, StatusReason::EndUserMismatch).await? {
                self.withdraw_now(&connection).await;
            }
            return Err(ConfirmError::EndUserMismatch);
        }
        let activated = self.activate(&request, connection).await??;
        let prompt = self.prompt(tenant, id).await?.ok_or(ConfirmError::Unknown)?;
        if activated { Ok(prompt) } else { Err(ConfirmError::NotAwaiting(prompt.status)) }
    }

    async fn awaiting(
        &self,
        tenant: Tenant,
        id: AuthRequestId,
    ) -> Result<(AuthRequest, Connection), ConfirmError> {
        let found = auth_requests::find(&self.db, tenant, id).await.map_err(Fault::from)?;
        let request = found.ok_or(ConfirmError::Unknown)?;
        let status = request.status_at(self.clock.now());
        if status != AuthStatus::AwaitingConfirmation {
            return Err(ConfirmError::NotAwaiting(status));
        }
        match self.waiting_connection(&request).await? {
            Some(connection) => Ok((request, connection)),
            None => Err(ConfirmError::NotAwaiting(AuthStatus::Completed)),
        }
    }

    /// Returns the connection that awaits confirmation; none when another confirmation was faster.
    pub(super) async fn waiting_connection(
        &self,
        request: &AuthRequest,
    ) -> Result<Option<Connection>, Fault> {
        match request.connection {
            Some(id) => Ok(connections::find(&self.db, request.tenant, id).await?),
            None => Ok(None),
        }
    }

    async fn activate(
        &self,
        request: &AuthRequest,
        waiting: Connection,
    ) -> Result<Result<bool, Frozen>, Fault> {
        let tokens = self.open_tokens(&waiting).await?;
        let key = self.keys.of(&self.db, request.tenant.project).await?;
        let pcon = self.project_connector(request.tenant, request.project_connector).await?;
        let mut tx = self.db.begin().await?;
        if !freezes::is_thawed(&mut tx, request.tenant.project).await? {
            return Ok(Err(Frozen));
        }
        if !project_connectors::holds(&mut tx, &pcon).await? {
            return Ok(Ok(false));
        }
        let owner = self.lock_owner(&mut tx, request.tenant, &request.owner).await?;
        if !advance(&mut tx, request, AuthStatus::Completed, None).await? {
            return Ok(Ok(false));
        }
        let connection = Connection { status: ConnectionStatus::Active, ..waiting.clone() };
        let connector = self.catalog.connector(&pcon.connector);
        let arrival = Arrival {
            connection,
            tokens: &tokens,
            end_user: owner,
            waiting: Some(&waiting),
            request,
            connector,
        };
        let settled = self.settle(&mut tx, arrival, &key).await?;
        auth_requests::point_to(&mut tx, request.id, settled).await?;
        tx.commit().await?;
        tracing::info!(auth_request.id = %request.id, connection.id = %settled, "confirmed");
        self.metrics.auth_requests(AuthStatus::Completed, 1);
        self.changes.announce(request.id);
        Ok(Ok(true))
    }

    /// Erases a connection that nobody vouched for, and leaves its end at the provider to the
    /// outbox; says whether it was there to be erased.
    pub(super) async fn give_up(
        &self,
        request: &AuthRequest,
        connection: &Connection,
        (status, failure): (AuthStatus, Option<AuthFailure>),
        why: StatusReason,
    ) -> Result<bool, Fault> {
        let mut tx = self.db.begin().await?;
        if !advance(&mut tx, request, status, failure).await? {
            return Ok(false);
        }
        self.end(&mut tx, connection, why).await?;
        tx.commit().await?;
        tracing::warn!(auth_request.id = %request.id, reason = %why, "connection erased");
        self.metrics.auth_requests(status, 1);
        self.changes.announce(request.id);
        Ok(true)
    }
}

async fn advance(
    tx: &mut Tx,
    request: &AuthRequest,
    status: AuthStatus,
    failure: Option<AuthFailure>,
) -> Result<bool, Fault> {
    let step = Step { status, failure, connection: None, expires_at: request.expires_at };
    Ok(auth_requests::advance(tx, request.id, AuthStatus::AwaitingConfirmation, step).await?)
}
