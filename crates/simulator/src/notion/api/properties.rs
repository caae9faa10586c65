//! What a page may have, held against its parent.

use serde_json::{Map, Value, json};

use super::users;
use crate::notion::answer::Refusal;
use crate::notion::rich_text::{self, LONGEST_LIST, LONGEST_TEXT, only, too_long};
use crate::notion::state::Person;
use crate::notion::times::is_date;

/// Returns the properties of a page that is in no data source: a title and nothing else.
pub(super) fn of_page(
    given: &Map<String, Value>,
    people: &[Person],
) -> Result<Map<String, Value>, Refusal> {
    let title = json!({ "id": "title", "type": "title" });
    let known = Map::from_iter([("title".to_owned(), title)]);
    of_data_source(given, &known, people)
}

/// Returns the properties of a page in a data source, by name or by id; what is left out is empty.
pub(super) fn of_data_source(
    given: &Map<String, Value>,
    known: &Map<String, Value>,
    people: &[Person],
) -> Result<Map<String, Value>, Refusal> {
    let mut properties = Map::new();
    for (name, schema) in known {
        let kind = schema["type"].as_str().unwrap_or_default();
        let empty = match kind {
            "title" | "rich_text" | "multi_select" | "people" => json!([]),
            "checkbox" => json!(false),
            _ => Value::Null,
        };
        properties.insert(name.clone(), written(schema, kind, empty));
    }
    for (key, value) in given {
        let found = known.iter().find(|(name, schema)| *name == key || schema["id"] == *key);
        let unknown = || Refusal::invalid(format!("{key} is not a property that exists."));
        let (name, schema) = found.ok_or_else(unknown)?;
        let kind = schema["type"].as_str().unwrap_or_default();
        let at = format!("body.properties.{key}");
        only(value, &at, &["type", "id", kind])
            .map_err(|_| Refusal::invalid(format!("{key} is expected to be {kind}.")))?;
        if value.get("type").is_some_and(|named| named != kind) || value.get(kind).is_none() {
            return Err(Refusal::invalid(format!("{key} is expected to be {kind}.")));
        }
        let read = Reading { schema, kind, people, at: format!("{at}.{kind}") };
        properties.insert(name.clone(), written(schema, kind, read.value(&value[kind])?));
    }
    Ok(properties)
}

fn written(schema: &Value, kind: &str, value: Value) -> Value {
    let mut written = json!({ "id": schema["id"], "type": kind });
    written[kind] = value;
    written
}

/// One value that is read, and what it is held against.
struct Reading<'a> {
    schema: &'a Value,
    kind: &'a str,
    people: &'a [Person],
    at: String,
}

impl Reading<'_> {
    fn value(&self, given: &Value) -> Result<Value, Refusal> {
        match self.kind {
            "title" | "rich_text" => rich_text::read(given, &self.at),
            "number" if given.is_number() || given.is_null() => Ok(given.clone()),
            "number" => Err(self.wrong("a number or `null`", given)),
            "checkbox" if given.is_boolean() => Ok(given.clone()),
            "checkbox" => Err(self.wrong("a boolean", given)),
            "url" | "email" | "phone_number" => self.text(given),
            "select" | "status" | "date" if given.is_null() => Ok(Value::Null),
            "select" | "status" => self.option(given),
            "multi_select" => self.list(given, |item| self.option(item)),
            "people" => self.list(given, |item| self.person(item)),
            "date" => self.date(given),
            kind => Err(Refusal::invalid(format!("{kind} properties cannot be set here."))),
        }
    }

    fn text(&self, given: &Value) -> Result<Value, Refusal> {
        match given {
            Value::Null => Ok(Value::Null),
            Value::String(text) if text.chars().count() > LONGEST_TEXT => {
                Err(too_long(&self.at, text.chars().count(), LONGEST_TEXT))
            }
            Value::String(text) if !text.is_empty() => Ok(given.clone()),
            _ => Err(self.wrong("a string that is not empty, or `null`", given)),
        }
    }

    /// Returns an option by id or name. A new one is made of a name, but not for a status.
    fn option(&self, given: &Value) -> Result<Value, Refusal> {
        only(given, &self.at, &["id", "name", "color", "description"])?;
        let options = self.schema[self.kind]["options"].as_array().map_or(&[][..], Vec::as_slice);
        let found = options.iter().find(|option| {
            ["id", "name"].into_iter().any(|by| given.get(by).is_some_and(|it| *it == option[by]))
        });
        if let Some(found) = found {
            return Ok(
                json!({ "id": found["id"], "name": found["name"], "color": found["color"] }),
            );
        }
        let name = given["name"].as_str().filter(|name| {
            self.kind != "status"
                && !name.is_empty()
                && !name.contains(',')
                && name.chars().count() <= 100
        });
        match name {
            Some(name) => Ok(json!({ "id": name, "name": name, "color": "default" })),
            None => Err(Refusal::invalid(format!(
                "{} option {given} does not exist, and cannot be made.",
                self.kind
            ))),
        }
    }

    fn person(&self, given: &Value) -> Result<Value, Refusal> {
        let found = self.people.iter().find(|person| given["id"] == person.id);
        let found = found.ok_or_else(|| self.wrong("people of the workspace", given))?;
        Ok(users::written(found, true))
    }

    fn date(&self, given: &Value) -> Result<Value, Refusal> {
        only(given, &self.at, &["start", "end", "time_zone"])?;
        let is_sound = |name: &str| given[name].as_str().is_some_and(is_date);
        if !is_sound("start") || !(given["end"].is_null() || is_sound("end")) {
            return Err(self.wrong("dates in ISO 8601", given));
        }
        let start = &given["start"];
        let end = &given["end"];
        let zone = &given["time_zone"];
        Ok(json!({ "start": start, "end": end, "time_zone": zone }))
    }

    fn list(
        &self,
        given: &Value,
        read: impl Fn(&Value) -> Result<Value, Refusal>,
    ) -> Result<Value, Refusal> {
        let items = given.as_array().ok_or_else(|| self.wrong("an array", given))?;
        if items.len() > LONGEST_LIST {
            return Err(too_long(&self.at, items.len(), LONGEST_LIST));
        }
        Ok(Value::Array(items.iter().map(read).collect::<Result<_, _>>()?))
    }

    fn wrong(&self, should: &str, given: &Value) -> Refusal {
        Refusal::body(&self.at, should, Some(given))
    }
}
