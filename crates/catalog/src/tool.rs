use std::collections::BTreeMap;

use astralform_domain::{ScopeSet, ToolName};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Encoding, Expression, LogPart, Method, Schema};

/// One operation of a connector, as an agent sees it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Its name: the connector's slug, `_`, and what it does.
    #[schemars(with = "String", regex(pattern = "^[a-z][a-z0-9_]{0,63}$"))]
    pub name: ToolName,
    /// Its name for people.
    #[schemars(length(min = 1, max = 60))]
    pub title: String,
    /// When to use it and what comes back, written for a model.
    #[schemars(length(min = 40))]
    pub description: String,
    /// The arguments, as a strict JSON Schema (2020-12).
    pub input: Schema,
    /// The result, as a JSON Schema (2020-12).
    pub output: Schema,
    /// What a client may conclude about it.
    pub annotations: Annotations,
    /// The scopes it needs of the token that the API takes.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub scopes: ScopeSet,
    /// Other tokens it can do with, where a project asks for their scopes instead.
    #[serde(default)]
    pub alternatives: Vec<Alternative>,
    /// What the call log says of the arguments, by their names.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 8))]
    pub log: BTreeMap<String, LogPart>,
    /// What the requests are made of, where that is not what the agent writes: arguments in,
    /// arguments out.
    #[serde(default)]
    pub prepare: Option<Expression>,
    /// The request it makes.
    pub request: ToolRequest,
    /// More requests, made of the same arguments and sent after the first one in the order of their
    /// names; their answers are `$also.name` in the result. An error of one is the call's.
    #[serde(default)]
    #[schemars(extend(
        "maxProperties" = 4,
        "propertyNames" = {"pattern": "^[a-z][a-z0-9_]{0,39}$"}
    ))]
    pub also: BTreeMap<String, ToolRequest>,
    /// The compact result: the first answer's body in, what the agent gets out.
    pub result: Expression,
}

/// Another token that a tool can do with.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// The kind of token.
    pub token: String,
    /// The scopes it needs of it.
    #[schemars(with = "Vec<String>")]
    pub scopes: ScopeSet,
}

/// What a client may conclude about a tool (MCP, tool annotations).
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Annotations {
    /// It changes nothing.
    pub read_only: bool,
    /// It may destroy something.
    #[serde(default)]
    pub destructive: bool,
    /// Doing it twice is like doing it once.
    pub idempotent: bool,
}

/// The request a tool makes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolRequest {
    /// The request's method.
    pub method: Method,
    /// A path below the API's base; `{name}` stands for an argument.
    #[schemars(regex(pattern = "^/"))]
    pub path: String,
    /// The query parameters as an object: arguments in, parameters out; null leaves one out.
    #[serde(default)]
    pub query: Option<Expression>,
    /// The body: arguments in, body out.
    #[serde(default)]
    pub body: Option<Expression>,
    /// How the body is written.
    #[serde(default = "Encoding::json")]
    pub encoding: Encoding,
}

impl Annotations {
    /// Returns whether doing it twice is like doing it once.
    pub const fn is_repeatable(self) -> bool {
        self.read_only || self.idempotent
    }
}

impl Tool {
    /// Returns its requests, in the order in which they are sent.
    pub fn requests(&self) -> impl Iterator<Item = &ToolRequest> {
        std::iter::once(&self.request).chain(self.also.values())
    }
}

impl ToolRequest {
    /// Returns the arguments that the path names, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
    }
}
