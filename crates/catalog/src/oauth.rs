use std::collections::BTreeMap;

use astralform_domain::{Scope, ScopeSet};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::Expression;

/// How accounts are connected by OAuth 2.0 (RFC 6749).
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth {
    /// The authorization endpoint (RFC 6749 §3.1).
    #[schemars(extend("format" = "endpoint"))]
    pub authorize_url: String,
    /// More parameters of the authorization request.
    #[serde(default)]
    pub authorize_parameters: BTreeMap<String, String>,
    /// The token endpoint (RFC 6749 §3.2).
    #[schemars(extend("format" = "endpoint"))]
    pub token_url: String,
    /// The issuer identifier. Where it is given, the `iss` of the answer must be the same
    /// (RFC 9207).
    #[serde(default)]
    pub issuer: Option<String>,
    /// How our app proves itself at the token endpoint (RFC 6749 §2.3.1).
    #[serde(default)]
    pub client_auth: ClientAuth,
    /// How the token request is written.
    #[serde(default)]
    pub token_request: Encoding,
    /// Whether the provider takes PKCE (RFC 7636).
    #[serde(default)]
    pub pkce: Pkce,
    /// The parameter that carries the scopes, for each kind of token. A scope of a kind that is
    /// not `api.token` is written with the kind before it, as in `bot:chat:write`.
    #[serde(default = "scope")]
    pub scope_parameters: BTreeMap<String, String>,
    /// What stands between two scopes.
    #[serde(default = "space")]
    pub scope_separator: String,
    /// The scopes that can be asked for.
    pub scopes: Vec<ScopeEntry>,
    /// The kinds of token that belong to the app, so that all end users who connect are given the
    /// same one: it is ended with the last connection only.
    #[serde(default)]
    pub app_tokens: Vec<String>,
    /// How the token response is read; RFC 6749 §5.1 and §5.2 where it says nothing.
    #[serde(default)]
    pub token_response: TokenResponse,
    /// What comes of refreshing a token (RFC 6749 §6).
    #[serde(default)]
    pub refresh: RefreshRules,
}

/// What comes of refreshing a token (RFC 6749 §6).
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Refresh")]
pub struct RefreshRules {
    /// What becomes of the refresh token that was used.
    #[serde(default)]
    pub rotation: RefreshTokenRotation,
    /// How many seconds an access token lives, where the answers do not say it.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub lifetime: Option<u32>,
    /// Error codes that say that the refresh token is dead (besides `invalid_grant`).
    #[serde(default)]
    pub rejected: Vec<String>,
}

/// What becomes of a refresh token that was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Rotation")]
pub enum RefreshTokenRotation {
    /// It is dead: the answer has another one.
    #[default]
    SingleUse,
    /// It can be used again.
    Reusable,
}

impl RefreshRules {
    /// Returns whether an error code says that the refresh token is dead (RFC 6749 §5.2).
    pub fn is_rejection(&self, code: &str) -> bool {
        code == "invalid_grant" || self.rejected.iter().any(|known| known == code)
    }
}

/// One scope, in the provider's spelling and in plain words.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeEntry {
    /// As the provider spells it, with the kind of token before it where that is not `api.token`.
    #[schemars(with = "String")]
    pub name: Scope,
    /// What it lets the agent do, for the person who is asked.
    #[schemars(length(min = 3))]
    pub label: String,
    /// Whether it is asked for unless the project connector says otherwise.
    #[serde(default)]
    pub default: bool,
    /// The scopes that a provider grants with it without listing them, spelled as `name` is.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub implies: ScopeSet,
    /// Other names by which the provider lists it, spelled as `name` is. A grant of one of them is
    /// a grant of this scope.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub aliases: ScopeSet,
    /// Whether the provider never lists it among what it granted: it then counts as granted wherever
    /// it was asked for.
    #[serde(default)]
    pub unlisted: bool,
}

/// How the token response is read.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenResponse {
    /// The error code of a refusal, or null: providers answer refusals with HTTP 200 too.
    #[serde(default)]
    pub error: Option<Expression>,
    /// Error codes that blame our app, not the person (besides `invalid_client` and
    /// `unauthorized_client`).
    #[serde(default)]
    pub client_errors: Vec<String>,
    /// The tokens as a list of `{kind, access_token, refresh_token, expires_in, scopes}`, the
    /// scopes as the provider spells them.
    #[serde(default)]
    pub tokens: Option<Expression>,
}

/// How our app proves itself at the token endpoint (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// HTTP Basic.
    #[default]
    Basic,
    /// `client_id` and `client_secret` in the body.
    Body,
}

/// How a request body is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// `application/x-www-form-urlencoded`.
    #[default]
    Form,
    /// `application/json`.
    Json,
}

impl Encoding {
    pub(crate) const fn json() -> Self {
        Self::Json
    }
}

impl ScopeEntry {
    /// Returns whether a name is this scope's or an alias of it, in upper or lower case.
    pub fn is_like(&self, named: &str) -> bool {
        let mut all = std::iter::once(&self.name).chain(self.aliases.iter());
        all.any(|name| name.as_str().eq_ignore_ascii_case(named))
    }
}

/// Whether the provider takes PKCE (RFC 7636).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pkce {
    /// With the S256 challenge.
    #[default]
    S256,
    /// Not at all: the provider refuses the parameters.
    None,
}

fn scope() -> BTreeMap<String, String> {
    BTreeMap::from([("default".to_owned(), "scope".to_owned())])
}

fn space() -> String {
    " ".to_owned()
}
