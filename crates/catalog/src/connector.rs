use std::collections::BTreeMap;

use astralform_domain::{ConnectorSlug, Scope, ScopeSet};
use astralform_jq::Document;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::{
    ApiKeyAuth, Encoding, Errors, Expression, OAuth, Placement, RevocationEndpoint, ScopeEntry,
    Tool, Variables,
};

/// One connector, as its `connector.yaml` describes it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "An Astralform connector")]
pub struct Connector {
    /// Its name in addresses and settings; the folder is called the same.
    #[schemars(with = "String", regex(pattern = "^[a-z][a-z0-9-]{0,39}$"))]
    pub slug: ConnectorSlug,
    /// Its name for people.
    #[schemars(length(min = 1, max = 60))]
    pub name: String,
    /// The category it is listed under.
    #[schemars(length(min = 1, max = 40))]
    pub category: String,
    /// How accounts are connected.
    #[serde(rename = "type")]
    pub kind: ConnectorType,
    /// What it is good for, in one sentence.
    #[schemars(length(min = 10, max = 300))]
    pub summary: String,
    /// How accounts are connected by OAuth, where `type` is `oauth`.
    #[serde(default)]
    pub oauth: Option<OAuth>,
    /// How accounts are connected by an API key, where `type` is `api_key`.
    #[serde(default)]
    pub api_key: Option<ApiKeyAuth>,
    /// How its API is called.
    pub api: Api,
    /// How the API says that something went wrong.
    #[serde(default)]
    pub errors: Errors,
    /// How the connected account is recognised.
    pub identity: Identity,
    /// How a token is ended at the provider.
    #[serde(default)]
    pub revocation: Option<RevocationEndpoint>,
    /// What a developer does at the provider.
    pub setup: Setup,
    /// What agents can do with it.
    #[schemars(length(min = 1))]
    pub tools: Vec<Tool>,
    /// `setup.md`: the steps at the provider, in Markdown.
    #[serde(skip)]
    pub guide: String,
}

/// How accounts are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConnectorType {
    /// Each end user consents at the provider.
    Oauth,
    /// A key of the provider's is entered: one for all of a project, or one by each end user.
    ApiKey,
}

/// How the accounts of a connector are connected, with all that belongs to it.
#[derive(Clone, Copy)]
pub enum Auth<'a> {
    /// By OAuth.
    OAuth(&'a OAuth),
    /// By a key that is entered.
    ApiKey(&'a ApiKeyAuth),
}

impl ConnectorType {
    /// Returns the word it travels as.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oauth => "oauth",
            Self::ApiKey => "api_key",
        }
    }
}

/// How an API is called.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// What paths are joined to. `{name}` stands for a field of `api_key` that is part of the host
    /// name.
    #[schemars(extend("format" = "endpoint"))]
    pub base_url: String,
    /// Headers of every request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The kind of token that is sent, where a connection has several.
    #[serde(default = "Api::default_token")]
    pub token: String,
    /// Where requests carry the credential: `{token}` stands for an access token, and the name of
    /// a field for what was entered. A bearer token where it says nothing.
    #[serde(default = "Placement::bearer")]
    pub credential: Placement,
}

/// How the connected account is recognised: one request with the new token.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The request's method.
    #[serde(default)]
    pub method: Method,
    /// An absolute address, or a path below the API's base.
    #[schemars(extend("format" = "location"))]
    pub url: String,
    /// The body, where the request has one, such as a GraphQL query: null in, body out.
    #[serde(default)]
    pub body: Option<Expression>,
    /// How the body is written.
    #[serde(default = "Encoding::json")]
    pub encoding: Encoding,
    /// The account as `{id, label}`. Only an API key can do without: the request then shows that
    /// the key is good, and the key stands for the account.
    #[serde(default)]
    pub account: Option<Expression>,
}

/// The methods of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "RFC 9110 §9 says what each means")]
pub enum Method {
    #[default]
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// What a developer does at the provider.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// Where OAuth apps are made, or keys.
    #[schemars(extend("format" = "endpoint"))]
    pub console_url: String,
    /// A link that makes an app with everything filled in: `{redirect_uri, scopes}` in, an address
    /// out.
    #[serde(default)]
    pub new_app_url: Option<Expression>,
}

impl Api {
    fn default_token() -> String {
        "default".to_owned()
    }
}

impl Method {
    pub(crate) const fn post() -> Self {
        Self::Post
    }

    /// Returns it as HTTP spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl Connector {
    /// Returns the tool of that name.
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name.as_str() == name)
    }

    /// Returns how its accounts are connected.
    pub fn auth(&self) -> Auth<'_> {
        match (&self.oauth, &self.api_key) {
            (Some(oauth), _) => Auth::OAuth(oauth),
            (None, Some(api_key)) => Auth::ApiKey(api_key),
            (None, None) => unreachable!("a connector without either is not loaded"),
        }
    }

    /// Returns the scopes that can be asked for.
    pub fn scopes(&self) -> &[ScopeEntry] {
        self.oauth.as_ref().map_or(&[], |oauth| &oauth.scopes)
    }

    /// Returns the scopes that are asked for unless a project connector says otherwise.
    pub fn default_scopes(&self) -> ScopeSet {
        let defaults = self.scopes().iter().filter(|scope| scope.default);
        defaults.map(|scope| scope.name.clone()).collect()
    }

    /// Returns every scope that can be asked for.
    pub fn known_scopes(&self) -> ScopeSet {
        self.scopes().iter().map(|scope| scope.name.clone()).collect()
    }

    /// Returns the granted scopes, with those that come with them unlisted.
    pub fn with_implied(&self, granted: &ScopeSet) -> ScopeSet {
        self.implied_by(granted).union(granted)
    }

    /// Returns what has to be asked for to get all of these scopes.
    pub fn without_implied(&self, wanted: &ScopeSet) -> ScopeSet {
        wanted.missing_from(&self.implied_by(wanted))
    }

    fn implied_by(&self, scopes: &ScopeSet) -> ScopeSet {
        let entries = self.scopes().iter().filter(|entry| scopes.contains(&entry.name));
        entries.fold(ScopeSet::default(), |all, entry| all.union(&entry.implies))
    }

    /// Returns what a scope lets the agent do, in plain words.
    pub fn scope_label<'a>(&'a self, scope: &'a Scope) -> &'a str {
        let entry = self.scopes().iter().find(|entry| entry.name == *scope);
        entry.map_or(scope.as_str(), |entry| &entry.label)
    }

    /// Returns the kind of token that a scope belongs to, and the scope as the provider spells it.
    pub fn token_of<'a>(&'a self, scope: &'a Scope) -> (&'a str, &'a str) {
        let own = &self.api.token;
        let kinds = self.oauth.iter().flat_map(|oauth| oauth.scope_parameters.keys());
        let mut named = kinds.filter(|kind| *kind != own).filter_map(|kind| {
            let rest = scope.as_str().strip_prefix(kind.as_str())?.strip_prefix(':')?;
            Some((kind.as_str(), rest))
        });
        named.next().unwrap_or((own, scope.as_str()))
    }

    /// Returns a scope of a kind of token, from the provider's spelling.
    pub fn scope_of(&self, kind: &str, spelled: &Scope) -> Scope {
        let named = if kind == self.api.token {
            spelled.clone()
        } else {
            Scope::new(format!("{kind}:{spelled}"))
        };
        self.declared(&named).map_or(named, |entry| entry.name.clone())
    }

    /// Returns the scope that a name stands for, itself or by an alias. Providers list scopes in other
    /// cases than they were asked for.
    fn declared(&self, named: &Scope) -> Option<&ScopeEntry> {
        let scopes = self.scopes();
        let exact = scopes.iter().find(|entry| entry.name == *named);
        exact.or_else(|| scopes.iter().find(|entry| entry.aliases.contains(named))).or_else(|| {
            let mut alike = scopes.iter().filter(|entry| entry.is_like(named.as_str()));
            alike.next().filter(|_| alike.next().is_none())
        })
    }

    /// Returns those of the scopes that the provider never lists.
    pub fn unlisted_of(&self, scopes: &ScopeSet) -> ScopeSet {
        let unlisted = self.scopes().iter().filter(|entry| entry.unlisted);
        unlisted.map(|entry| entry.name.clone()).collect::<ScopeSet>().intersection(scopes)
    }

    /// Returns the kind of token that a tool is called with and the scopes it needs of it, where a
    /// project asks for `asked`.
    pub fn token_for<'a>(&'a self, tool: &'a Tool, asked: &ScopeSet) -> (&'a str, &'a ScopeSet) {
        let usual = (self.api.token.as_str(), &tool.scopes);
        let others = tool.alternatives.iter().map(|other| (other.token.as_str(), &other.scopes));
        let mut all = std::iter::once(usual).chain(others);
        all.find(|(_, scopes)| scopes.is_within(asked)).unwrap_or(usual)
    }

    /// Returns a link that makes an app at the provider with everything filled in; nothing where
    /// the provider has none.
    pub fn new_app_url(&self, redirect_uri: &str) -> Option<String> {
        let input = serde_json::json!({
            "redirect_uri": redirect_uri,
            "scopes": self.default_scopes(),
        });
        let input = Document::from_value(&input).ok()?;
        let expression = self.setup.new_app_url.as_ref()?;
        let link: String = expression.read(&input, Variables::arguments(&Value::Null)).ok()?;
        Url::parse(&link).ok().filter(|url| url.scheme() == "https").map(String::from)
    }
}
