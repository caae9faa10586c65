//! Sessions: what browsers, desktop clients and pages hold instead of an API key.

use std::{sync::Arc, time::Duration};

use astralform_domain::{
    Caller, EndUserId, Principal, RuntimeCredential, Secret, SessionId, Timestamp, ToolName, limits,
};
use astralform_storage::sessions::{self, Session};
use thiserror::Error;

use crate::{
    Nearest,
    authentication::{Authentication, AuthenticationError},
    base::Base,
    bearer,
    reach::Offers,
    row_tags::{Granting as _, RowTags},
    settings::is_short_list,
};

/// A session to be opened.
pub struct NewSession {
    /// The end user it acts for.
    pub end_user: EndUserId,
    /// The agent it acts as, by name or id; the key's own, or the default one, when not named.
    pub agent: Option<String>,
    /// The only tools it may use, where not all of its agent's.
    pub tools: Option<Vec<ToolName>>,
    /// How long it lives.
    pub life: Duration,
}

/// An open session.
pub struct OpenedSession {
    /// Its token, shown once.
    pub token: Secret,
    /// The end of its life.
    pub expires_at: Timestamp,
}

/// Why no session is opened.
#[derive(Debug, Error)]
pub enum SessionError {
    /// Sessions are opened by backends.
    #[error("a session cannot open another one: send an API key (sk_…) instead")]
    NotABackend,
    /// The life is too short or too long.
    #[error("`expires_in` is {0}; it must be a whole number of seconds from 60 to 43200")]
    BadLife(u64),
    /// The list of tools is too long, or names one twice.
    #[error(
        "`tools` is a list of {given} tools; it takes {} at most, each of them once",
        limits::TOOLS.value
    )]
    BadTools {
        /// How many were named.
        given: usize,
    },
    /// There is no such tool.
    #[error("`tools` names `{name}`, which no connector has{nearest}: leave it out")]
    UnknownTool {
        /// What was named.
        name: ToolName,
        /// What may have been meant.
        nearest: Nearest,
    },
    /// The agent cannot be had.
    #[error(transparent)]
    Agent(#[from] AuthenticationError),
}

/// The longest and the shortest life of a session.
const LONGEST: Duration = Duration::from_hours(12);
const SHORTEST: Duration = Duration::from_mins(1);

/// Sessions of end users: tokens that act for one of them alone.
#[derive(Clone)]
pub struct Sessions {
    base: Arc<Base>,
    offers: Arc<Offers>,
    row_tags: Arc<RowTags>,
    authentication: Arc<Authentication>,
}

impl Sessions {
    pub(crate) fn new(
        base: &Arc<Base>,
        offers: &Arc<Offers>,
        row_tags: &Arc<RowTags>,
        authentication: &Arc<Authentication>,
    ) -> Self {
        Self {
            base: Arc::clone(base),
            offers: Arc::clone(offers),
            row_tags: Arc::clone(row_tags),
            authentication: Arc::clone(authentication),
        }
    }

    /// Opens a session of one end user and one agent.
    ///
    /// # Errors
    /// When the request is not a backend's, or asks for what cannot be.
    pub async fn open_session(
        &self,
        by: &Principal,
        new: NewSession,
    ) -> Result<OpenedSession, SessionError> {
        if matches!(by.credential, RuntimeCredential::Session { .. }) {
            return Err(SessionError::NotABackend);
        }
        if !(SHORTEST..=LONGEST).contains(&new.life) {
            return Err(SessionError::BadLife(new.life.as_secs()));
        }
        if let Some(tools) = new.tools.as_deref().filter(|tools| !is_short_list(tools)) {
            return Err(SessionError::BadTools { given: tools.len() });
        }
        let unknown = |tool: &&ToolName| self.base.catalog.tool(tool.as_str()).is_none();
        if let Some(tool) = new.tools.iter().flatten().find(unknown) {
            let caller = Caller { principal: by.clone(), end_user: None };
            let nearest = self.offers.nearest_tools(&caller, tool.as_str()).await;
            let nearest = nearest.map_err(AuthenticationError::from)?;
            return Err(SessionError::UnknownTool { name: tool.clone(), nearest });
        }
        let agent = self.session_agent(by, new.agent.as_deref()).await?;
        let now = self.base.now();
        let id = SessionId::new(&self.base.clock, &self.base.entropy);
        let (token, secret_hash) = bearer::mint("ut", id, &self.base.entropy);
        let expires_at = now.after(new.life);
        let tenant = by.tenant;
        let end_user = new.end_user;
        let connectors = by.credential.connectors().map(<[_]>::to_vec);
        let mut session = Session {
            id,
            tenant,
            agent,
            end_user,
            connectors,
            tools: new.tools,
            secret_hash,
            tag: None,
            expires_at,
        };
        let key = self.row_tags.installation_key().await.map_err(AuthenticationError::from)?;
        session.tag = Some(session.tag_by(&key));
        let stored = async {
            let mut tx = self.base.begin(by.into()).await?;
            sessions::create(&mut tx, &session, now).await?;
            tx.commit_unrecorded().await
        };
        stored.await.map_err(|error| AuthenticationError::Fault(error.into()))?;
        Ok(OpenedSession { token, expires_at })
    }

    /// Returns a key that acts as one agent opens sessions of that one; another acts as any.
    async fn session_agent(
        &self,
        by: &Principal,
        named: Option<&str>,
    ) -> Result<astralform_domain::AgentId, SessionError> {
        let Some(named) = named else { return Ok(by.agent) };
        let bound = match by.credential {
            RuntimeCredential::ApiKey { agent, .. } => agent,
            RuntimeCredential::Session { .. } => Some(by.agent),
        };
        Ok(self.authentication.agent_of(by.tenant, bound, Some(named)).await?.id)
    }
}
