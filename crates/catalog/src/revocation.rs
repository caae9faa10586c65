use schemars::JsonSchema;
use serde::Deserialize;

use crate::{ClientAuth, Encoding, Expression, Method};

/// How a token is ended at the provider.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Revocation")]
pub struct RevocationEndpoint {
    /// Who proves what.
    pub style: RevocationStyle,
    /// An absolute address, or a path below the API's base. `{client_id}` in its path stands for
    /// our app's.
    #[schemars(extend("format" = "location"))]
    pub url: String,
    /// The request's method.
    #[serde(default = "Method::post")]
    pub method: Method,
    /// How the body is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// The parameter that names the token, where our app names it.
    #[serde(default = "RevocationEndpoint::token")]
    pub parameter: String,
    /// How our app proves itself, where that differs from the token endpoint.
    #[serde(default)]
    pub client_auth: Option<ClientAuth>,
    /// A path below the API's base at which the whole grant of an account is ended, with the same
    /// request. It is used for an account's last connection, where a refresh token would live on
    /// otherwise (`tokens: access`).
    #[serde(default)]
    #[schemars(regex(pattern = "^/[^/]"))]
    pub grant_url: Option<String>,
    /// Which tokens are to be named.
    #[serde(default)]
    pub tokens: EndedTokens,
    /// Whether the answer confirms it, as a boolean; any 2xx does where this says nothing.
    #[serde(default)]
    pub confirmed: Option<Expression>,
    /// Whether a refusal says for certain that the token is dead already, as a boolean. A provider
    /// that follows RFC 7009 §2.2 confirms that anyway.
    #[serde(default)]
    pub already_dead: Option<Expression>,
    /// How many tokens the provider lets an app end in a minute, for telling how long it takes to end
    /// many.
    #[serde(default = "RevocationEndpoint::per_minute")]
    #[schemars(range(min = 1, max = 60000))]
    pub per_minute: u32,
}

/// Which tokens are named to end what was granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndedTokens {
    /// The refresh token, where there is one and our app names it: its grant ends with it (RFC 7009
    /// §2.1).
    #[default]
    Grant,
    /// The access token alone.
    Access,
    /// Each by itself, refresh tokens included.
    Each,
}

/// Who proves what when a token is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevocationStyle {
    /// Our app names the token (RFC 7009 §2.1, where nothing else is said).
    Rfc7009,
    /// The token itself is the credential.
    Bearer,
}

impl RevocationEndpoint {
    /// What stands for our app's identifier in the address, as URLs spell it.
    pub const CLIENT_ID: &str = "%7Bclient_id%7D";

    fn token() -> String {
        "token".to_owned()
    }

    const fn per_minute() -> u32 {
        60
    }
}
