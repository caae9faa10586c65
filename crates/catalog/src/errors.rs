use std::collections::BTreeMap;

use astralform_jq::{Document, RunError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Expression, Variables};

/// How an API says that something went wrong.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Errors {
    /// The error's code, or null when the answer is a success.
    #[serde(default)]
    pub code: Option<Expression>,
    /// What the provider says about it, for people.
    #[serde(default)]
    pub message: Option<Expression>,
    /// The scopes that were missing, as a list.
    #[serde(default)]
    pub missing_scopes: Option<Expression>,
    /// When a limit is over, in seconds since 1970, where the answer has no `Retry-After`.
    #[serde(default)]
    pub limited_until: Option<Expression>,
    /// What each code means; the HTTP status decides for the others.
    #[serde(default)]
    pub kinds: BTreeMap<ErrorKind, Vec<String>>,
    /// What to do about a code, for people.
    #[serde(default)]
    pub hints: BTreeMap<String, String>,
}

/// What an error of a provider means, by what can be done about it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The token is dead: the end user has to connect again.
    ReconnectNeeded,
    /// The token lacks scopes: the end user has to grant more.
    MissingScope,
    /// It is not there, or the account cannot see it.
    NotFound,
    /// The account may not do it, with any scopes.
    PermissionDenied,
    /// Too often: try again later.
    RateLimited,
    /// The provider is down.
    ProviderUnavailable,
    /// The provider does not accept the request.
    ProviderRejected,
    /// Our app's own credentials are wrong; the end user can do nothing.
    Misconfigured,
}

impl Errors {
    /// Returns the code of an answer that is an error; providers spell it as a text, a number or an
    /// object.
    ///
    /// # Errors
    /// When the answer has a form in which no code can be looked for.
    pub fn code_of(
        &self,
        document: &Document<'_>,
        variables: Variables<'_>,
    ) -> Result<Option<String>, RunError> {
        let Some(code) = &self.code else { return Ok(None) };
        Ok(match code.run(document, variables)? {
            Value::Null | Value::Bool(false) => None,
            Value::String(code) => Some(code),
            other => Some(other.to_string()),
        })
    }
}
