//! How many bytes things take in memory, near enough.

use astralform_domain::{
    AssignedTools, Assignment, Connection, ConnectorSlug, Endpoints, OauthClient, ProjectConnector,
    ScopeSet, ToolName,
};
use astralform_storage::{
    agents::Agent,
    api_keys::{Access, ApiKey},
    sessions::Session,
    tokens::Token,
};
use astralform_vault::ProjectKeys;

use super::{AllowedOrigins, ServingConnections};
use crate::{cache_map::Weigh, connectors::Assembled};

/// What a member of a list or a set takes besides its text.
const MEMBER: usize = 48;

impl Weigh for bool {
    fn weight(&self) -> usize {
        size_of::<Self>()
    }
}

impl Weigh for ApiKey {
    fn weight(&self) -> usize {
        let Access { name, connectors, .. } = &self.access;
        size_of::<Self>() + self.hint.len() + name.len() + slugs(connectors.as_deref())
    }
}

impl Weigh for Session {
    fn weight(&self) -> usize {
        let limits = tools(self.tools.as_deref()) + slugs(self.connectors.as_deref());
        size_of::<Self>() + self.end_user.as_str().len() + limits
    }
}

impl Weigh for Agent {
    fn weight(&self) -> usize {
        let connectors = self.connectors.iter().flatten();
        let connectors: usize = connectors.map(assignment).sum();
        size_of::<Self>() + self.name.as_str().len() + connectors
    }
}

impl Weigh for AllowedOrigins {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.0.iter().map(|origin| MEMBER + origin.len()).sum::<usize>()
    }
}

impl Weigh for ProjectKeys {
    fn weight(&self) -> usize {
        self.weight()
    }
}

impl Weigh for Assembled {
    fn weight(&self) -> usize {
        // The addresses are made of the endpoints and of what the catalogue has.
        const ADDRESSES: usize = 2_048;
        ADDRESSES + settings(&self.settings) + scopes(&self.requested_scopes)
    }
}

impl Weigh for ServingConnections {
    fn weight(&self) -> usize {
        let connections: usize = self.connections.iter().map(connection).sum();
        connections + self.tokens.iter().flatten().map(token).sum::<usize>()
    }

    /// An end user without a connection is not kept: a caller can make up any number of them.
    fn is_worth_keeping(&self) -> bool {
        !self.connections.is_empty()
    }
}

fn assignment(of: &Assignment) -> usize {
    let listed = match &of.tools {
        AssignedTools::All | AssignedTools::ReadOnly => None,
        AssignedTools::Only(tools) => Some(tools.as_slice()),
    };
    size_of::<Assignment>() + of.connector.as_str().len() + tools(listed)
}

fn slugs(of: Option<&[ConnectorSlug]>) -> usize {
    of.unwrap_or_default().iter().map(|slug| MEMBER + slug.as_str().len()).sum()
}

fn settings(of: &ProjectConnector) -> usize {
    let Endpoints { authorize_url, token_url, revoke_url, api_base_url } = &of.endpoints;
    let endpoints = [authorize_url, token_url, revoke_url, api_base_url];
    size_of::<ProjectConnector>()
        + of.scopes.as_ref().map_or(0, scopes)
        + tools(of.tools.as_deref())
        + endpoints.into_iter().flatten().map(String::len).sum::<usize>() * 2
        + of.client.as_ref().map_or(0, client)
}

fn client(client: &OauthClient) -> usize {
    let previous = client.previous.as_ref().map_or(0, |old| old.secret.as_bytes().len());
    client.id.len() + client.hint.len() + client.secret.as_bytes().len() + previous
}

fn connection(of: &Connection) -> usize {
    let label = of.label.as_ref().map_or(0, String::len);
    let end_user = of.owner.end_user().map_or(0, |id| id.as_str().len());
    let hosts: usize = of.hosts.iter().map(|host| MEMBER + host.len()).sum();
    size_of::<Connection>()
        + of.account.id.len()
        + of.account.label.len()
        + label
        + end_user
        + hosts
        + scopes(&of.scopes)
}

fn token(of: &Token) -> usize {
    let refresh = of.refresh_token.as_ref().map_or(0, |sealed| sealed.as_bytes().len());
    size_of::<Token>()
        + of.kind.len()
        + of.access_token.as_bytes().len()
        + refresh
        + scopes(&of.scopes)
}

fn scopes(of: &ScopeSet) -> usize {
    of.weight() + MEMBER * of.iter().count()
}

fn tools(of: Option<&[ToolName]>) -> usize {
    of.unwrap_or_default().iter().map(|tool| MEMBER + tool.as_str().len()).sum()
}
