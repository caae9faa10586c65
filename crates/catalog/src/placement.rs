use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error as _};

/// Where a request carries its credential.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// In headers, by name.
    #[serde(default)]
    pub headers: BTreeMap<String, Template>,
    /// In the query, by parameter.
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    /// As HTTP Basic (RFC 7617).
    #[serde(default)]
    pub basic: Option<Basic>,
}

/// User name and password of HTTP Basic.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// Must come out without a colon (RFC 7617 §2).
    pub username: Template,
    /// May be a text without any field.
    pub password: Template,
}

/// A text in which `{name}` stands for a part of the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(String),
}

impl Placement {
    /// The name of an access token in templates.
    pub const TOKEN: &str = "token";

    /// Returns `Authorization: Bearer`, with an access token (RFC 6750 §2.1).
    pub(crate) fn bearer() -> Self {
        let text = Piece::Text("Bearer ".to_owned());
        let token = Template(vec![text, Piece::Field(Self::TOKEN.to_owned())]);
        let headers = BTreeMap::from([("Authorization".to_owned(), token)]);
        Self { headers, ..Self::default() }
    }

    /// Returns the fields it takes.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        let basic = self.basic.iter().flat_map(|basic| [&basic.username, &basic.password]);
        self.headers.values().chain(self.query.values()).chain(basic).flat_map(Template::fields)
    }
}

impl Template {
    /// Reads a text; nothing when a brace is not one of a pair around a name.
    pub fn parse(text: &str) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            let named = !name.is_empty()
                && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_');
            if before.contains('}') || !named {
                return None;
            }
            pieces.extend((!before.is_empty()).then(|| Piece::Text(before.to_owned())));
            pieces.push(Piece::Field(name.to_owned()));
            rest = after;
        }
        pieces.extend((!rest.is_empty()).then(|| Piece::Text(rest.to_owned())));
        (!rest.contains('}')).then_some(Self(pieces))
    }

    /// Returns the fields it names.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Field(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// Returns the text with every field filled in; nothing when one is not there.
    pub fn fill<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
        self.try_fill(|name| value(name).ok_or(())).ok()
    }

    /// Returns the text with every field filled in.
    ///
    /// # Errors
    /// What is wrong with the first field that has no value.
    pub fn try_fill<'a, E>(&self, value: impl Fn(&str) -> Result<&'a str, E>) -> Result<String, E> {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Field(name) => filled.push_str(value(name)?),
            }
        }
        Ok(filled)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("a brace does not belong to a name"))
    }
}

impl JsonSchema for Template {
    fn schema_name() -> Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "template",
            "description": "A text in which {name} stands for a part of the credential."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_field_by_field() {
        let template = Template::parse("Bearer {api_key}/{token}.").unwrap();
        assert_eq!(template.fields().collect::<Vec<_>>(), ["api_key", "token"]);
        let filled = template.fill(|name| Some(if name == "token" { "{api_key}" } else { "k" }));
        assert_eq!(filled.unwrap(), "Bearer k/{api_key}.");
        assert_eq!(template.fill(|_| None), None);
    }

    #[test]
    fn braces_stand_in_pairs_around_names() {
        for bad in ["{", "}", "{}", "a}b", "{a b}", "{A}", "{a}}", "{{a}}"] {
            assert_eq!(Template::parse(bad), None, "{bad}");
        }
        assert_eq!(Template::parse("plain").unwrap().fill(|_| None).unwrap(), "plain");
    }
}
