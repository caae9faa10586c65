use schemars::JsonSchema;
use serde::Deserialize;

/// How accounts are connected by a key that its owner copies from the provider.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ApiKey")]
pub struct ApiKeyAuth {
    /// What is entered: the key, called `api_key`, and what else belongs to it.
    #[schemars(length(min = 1, max = 8))]
    pub fields: Vec<KeyField>,
    /// Where people find their key.
    #[schemars(extend("format" = "endpoint"))]
    pub key_url: String,
}

/// One part of what is entered.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyField {
    /// Its name: in requests to us, and as `{name}` where it is sent.
    #[schemars(regex(pattern = "^[a-z][a-z0-9_]{0,39}$"))]
    pub name: String,
    /// Its name for people.
    #[schemars(length(min = 1, max = 60))]
    pub label: String,
    /// What to enter, and where it is found, for people.
    #[serde(default)]
    #[schemars(length(min = 1, max = 200))]
    pub help: Option<String>,
    /// Whether it is to be hidden; true when left out.
    #[serde(default = "yes")]
    pub secret: bool,
}

impl ApiKeyAuth {
    /// The field of the key itself.
    pub const KEY: &str = "api_key";

    /// Returns the field of that name.
    pub fn field(&self, name: &str) -> Option<&KeyField> {
        self.fields.iter().find(|field| field.name == name)
    }
}

fn yes() -> bool {
    true
}
