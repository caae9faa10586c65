//! Where each secret is sealed for. It opens there, and in no other row, column, generation or for
//! other hosts.

use astralform_domain::{AuthRequest, Connection, HostSet, Owner, Tenant};
use astralform_storage::{
    idempotent_requests, oauth_states, project_connectors, refreshes, tokens, webhooks,
};
use astralform_vault::Binding;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Returns the row of what is known by a digest.
pub fn digest_row(digest: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(digest)
}

/// Returns the place of the secret of a project connector's app.
pub fn client_secret<'a>(
    tenant: Tenant,
    row: &'a str,
    generation: i64,
    hosts: &'a HostSet,
) -> Binding<'a> {
    let table = project_connectors::TABLE;
    of_project(tenant, table, row, "client_secret", generation, hosts)
}

/// Returns the place of a webhook's secret.
pub fn webhook_secret<'a>(
    tenant: Tenant,
    row: &'a str,
    generation: i64,
    hosts: &'a HostSet,
) -> Binding<'a> {
    of_project(tenant, webhooks::TABLE, row, "secret", generation, hosts)
}

/// Returns the place of the answer to a request with an `Idempotency-Key`; it goes to no host.
pub fn idempotent_answer<'a>(tenant: Tenant, row: &'a str, nowhere: &'a HostSet) -> Binding<'a> {
    of_project(tenant, idempotent_requests::TABLE, row, "answer", 1, nowhere)
}

/// Returns the place of the code verifier of a flow.
pub fn code_verifier<'a>(
    request: &'a AuthRequest,
    row: &'a str,
    hosts: &'a HostSet,
) -> Binding<'a> {
    Binding {
        tenant: request.tenant,
        owner: &request.owner,
        table: oauth_states::TABLE,
        row,
        column: "code_verifier",
        generation: 1,
        hosts,
    }
}

/// Returns the place of a column of a connection's token.
pub(crate) fn token<'a>(
    connection: &'a Connection,
    row: &'a str,
    column: &'static str,
    generation: i64,
) -> Binding<'a> {
    of_connection(connection, tokens::TABLE, row, column, generation)
}

/// Returns the place of the answer to a refresh: that of the token that it replaces.
pub(crate) fn refresh_answer<'a>(
    connection: &'a Connection,
    row: &'a str,
    generation: i64,
) -> Binding<'a> {
    of_connection(connection, refreshes::TABLE, row, "answer", generation)
}

fn of_project<'a>(
    tenant: Tenant,
    table: &'static str,
    row: &'a str,
    column: &'static str,
    generation: i64,
    hosts: &'a HostSet,
) -> Binding<'a> {
    Binding { tenant, owner: &Owner::Project, table, row, column, generation, hosts }
}

fn of_connection<'a>(
    connection: &'a Connection,
    table: &'static str,
    row: &'a str,
    column: &'static str,
    generation: i64,
) -> Binding<'a> {
    let Connection { tenant, owner, hosts, .. } = connection;
    Binding { tenant: *tenant, owner, table, row, column, generation, hosts }
}
