use aide::{
    OperationOutput,
    generate::GenContext,
    openapi::{Operation, Response as Described, StatusCode as Statuses},
};
use astralform_domain::{
    ConnectionId, ConnectorSlug, EndUserId, Environment, MemberId, RevocationStatus, Timestamp,
};
use astralform_management::connections::{Page, Receipt, ReceiptFilter};
use astralform_management::{ProjectActor, Right};
use astralform_surface::{App, Problem, auth::InPastEnvironment, body::Query, openapi};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::csv;
use crate::page::PageQuery;
/// Which receipts are looked for, and in which form.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ReceiptsQuery {
    /// Those of this connector.
    connector: Option<ConnectorSlug>,
    /// Those of this status.
    status: Option<RevocationStatus>,
    /// Those of connections that ended since then.
    requested_since: Option<Timestamp>,
    /// `csv` for a table with all of them, 100,000 at most; a page of JSON when left out.
    format: Option<ReceiptFormat>,
}

/// The form of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ReceiptFormat {
    /// A page of JSON.
    Json,
    /// A table.
    Csv,
}

/// Some receipts, and how many there are.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ReceiptsView {
    /// The receipts, in the order of their connections.
    data: Vec<ReceiptView>,
    /// What to send as `cursor` for the next part; null on the last one.
    next_cursor: Option<String>,
    /// How many there are of each status, on all pages and whatever `status` was asked for.
    counts: ReceiptCountsView,
}

/// What became of the tokens of an ended connection.
#[derive(Serialize, JsonSchema)]
struct ReceiptView {
    /// The connection that ended.
    connection_id: ConnectionId,
    /// What it was connected to.
    connector: ConnectorSlug,
    /// Whose it was, by your own id of them; null for those that the project shared and those of
    /// members.
    end_user_id: Option<EndUserId>,
    /// The member whose own it was; null for all others.
    member_id: Option<MemberId>,
    /// What became of them.
    status: RevocationStatus,
    /// How often the provider was asked.
    attempts: i64,
    /// Why it is not confirmed.
    last_error: Option<String>,
    /// When the connection ended: from then on it was of no use here.
    requested_at: Timestamp,
    /// When the provider is asked next; null when it is settled.
    next_attempt_at: Option<Timestamp>,
    /// When it was settled.
    finished_at: Option<Timestamp>,
}

/// How many receipts there are of each status.
#[derive(Default, Serialize, JsonSchema)]
struct ReceiptCountsView {
    /// The provider is still to be asked, or asked again.
    pending: i64,
    /// The provider says that they are dead.
    provider_confirmed: i64,
    /// The provider cannot be asked.
    provider_cannot: i64,
    /// The provider has not confirmed it in seven days.
    gave_up: i64,
}

/// Receipts in the form that was asked for.
pub(crate) enum Receipts {
    Page(ReceiptsView),
    Table(String),
}

pub(crate) async fn list(
    State(app): State<App>,
    InPastEnvironment { by, environment }: InPastEnvironment,
    Query(search): Query<ReceiptsQuery>,
    Query(page): Query<PageQuery<ConnectionId>>,
    headers: HeaderMap,
) -> Result<Receipts, Problem> {
    let filter = ReceiptFilter {
        connector: search.connector.as_ref(),
        status: search.status,
        requested_since: search.requested_since,
    };
    if wants_table(search.format, &headers) {
        return Ok(Receipts::Table(table(&app, &by, environment, filter).await?));
    }
    let wanted = Page { after: page.cursor, limit: page.one_more() };
    let mut found = app.management().connections.receipts(&by, environment, filter, wanted).await?;
    let next_cursor = page.next(&mut found, |receipt| receipt.revocation.connection.to_string());
    let counts =
        app.management().connections.receipt_counts(&by, environment, filter).await?.into();
    let data = found.into_iter().map(Into::into).collect();
    Ok(Receipts::Page(ReceiptsView { data, next_cursor, counts }))
}

fn wants_table(format: Option<ReceiptFormat>, headers: &HeaderMap) -> bool {
    if let Some(format) = format {
        return format == ReceiptFormat::Csv;
    }
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.trim().starts_with("text/csv"))
}

async fn table(
    app: &App,
    by: &ProjectActor,
    environment: Environment,
    filter: ReceiptFilter<'_>,
) -> Result<String, Problem> {
    const AT_ONCE: i64 = 1_000;
    const PARTS: usize = 100;
    by.may(Right::Export)?;
    let mut text = csv::row(&[
        "connection_id",
        "connector",
        "end_user_id",
        "status",
        "attempts",
        "last_error",
        "requested_at",
        "finished_at",
    ]);
    let mut after = None;
    let mut rows = 0;
    for _ in 0..PARTS {
        let page = Page { after, limit: AT_ONCE };
        let found = app.management().connections.receipts(by, environment, filter, page).await?;
        let Some(last) = found.last() else { break };
        after = Some(last.revocation.connection);
        rows += found.len();
        text.extend(found.into_iter().map(|receipt| ReceiptView::from(receipt).row()));
    }
    app.management().audit_log.note_export(by, environment, rows).await?;
    Ok(text)
}

impl ReceiptView {
    fn row(&self) -> String {
        csv::row(&[
            &self.connection_id.to_string(),
            self.connector.as_str(),
            self.end_user_id.as_ref().map_or("", EndUserId::as_str),
            self.status.as_str(),
            &self.attempts.to_string(),
            self.last_error.as_deref().unwrap_or_default(),
            &self.requested_at.to_string(),
            &self.finished_at.map_or_else(String::new, |at| at.to_string()),
        ])
    }
}

impl From<Receipt> for ReceiptView {
    fn from(receipt: Receipt) -> Self {
        let Receipt { revocation, owner } = receipt;
        let is_pending = revocation.status == RevocationStatus::Pending;
        Self {
            connection_id: revocation.connection,
            connector: revocation.connector,
            end_user_id: owner.end_user().cloned(),
            member_id: owner.member(),
            status: revocation.status,
            attempts: revocation.attempts,
            last_error: revocation.last_error,
            requested_at: revocation.requested_at,
            next_attempt_at: is_pending.then_some(revocation.next_attempt_at),
            finished_at: revocation.finished_at,
        }
    }
}

impl From<Vec<(RevocationStatus, i64)>> for ReceiptCountsView {
    fn from(counts: Vec<(RevocationStatus, i64)>) -> Self {
        let mut view = Self::default();
        for (status, number) in counts {
            match status {
                RevocationStatus::Pending => view.pending = number,
                RevocationStatus::ProviderConfirmed => view.provider_confirmed = number,
                RevocationStatus::ProviderCannot => view.provider_cannot = number,
                RevocationStatus::GaveUp => view.gave_up = number,
            }
        }
        view
    }
}

impl IntoResponse for Receipts {
    fn into_response(self) -> Response {
        let table = match self {
            Self::Page(page) => return Json(page).into_response(),
            Self::Table(table) => table,
        };
        let mut response = table.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
        let name = HeaderValue::from_static("attachment; filename=\"revocations.csv\"");
        headers.insert(header::CONTENT_DISPOSITION, name);
        response
    }
}

impl OperationOutput for Receipts {
    type Inner = ReceiptsView;

    fn inferred_responses(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<Statuses>, Described)> {
        let mut response =
            Json::<ReceiptsView>::operation_response(context, operation).unwrap_or_default();
        let (kind, table) = openapi::content("text/csv", context.schema.subschema_for::<String>());
        response.content.insert(kind, table);
        vec![(Some(Statuses::Code(200)), response)]
    }
}
