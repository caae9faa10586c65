use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::Tool;

/// What the call log says of an argument. Content is never in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogPart {
    /// The argument as it is: an id, of 64 letters, digits and `-_.:/` at most; `?` stands for
    /// anything else.
    Id,
    /// How many characters the argument has, or how many entries.
    Length,
}

const LONGEST_ID: usize = 64;
/// How long a summary may be.
const LONGEST: usize = 300;

impl Tool {
    /// Returns what the call log says of the arguments of a call: ids and lengths.
    pub fn log_summary(&self, arguments: &Value) -> Option<String> {
        let mut summary = String::new();
        for (name, part) in &self.log {
            let Some(argument) = arguments.get(name) else { continue };
            let gap = if summary.is_empty() { "" } else { " " };
            let before = summary.len();
            let written = match part {
                LogPart::Id => write_id(&mut summary, gap, name, argument),
                LogPart::Length => write_length(&mut summary, gap, name, argument),
            };
            if written.is_none() || summary.len() > LONGEST {
                summary.truncate(before);
            }
        }
        (!summary.is_empty()).then_some(summary)
    }
}

fn write_id(summary: &mut String, gap: &str, name: &str, argument: &Value) -> Option<()> {
    let is_plain = |text: &&str| {
        (1..=LONGEST_ID).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte))
    };
    match argument {
        Value::String(text) => {
            let id = Some(text.as_str()).filter(is_plain).unwrap_or("?");
            write!(summary, "{gap}{name}={id}").ok()
        }
        Value::Number(number) => write!(summary, "{gap}{name}={number}").ok(),
        _ => None,
    }
}

fn write_length(summary: &mut String, gap: &str, name: &str, argument: &Value) -> Option<()> {
    let length = match argument {
        Value::String(text) => text.chars().count(),
        Value::Array(entries) => entries.len(),
        Value::Object(entries) => entries.len(),
        _ => return None,
    };
    write!(summary, "{gap}{name}.length={length}").ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{builtin, load};

    #[test]
    fn ids_and_lengths_are_said_of_arguments_and_no_content() {
        let (catalog, _) = load(builtin().iter().copied());
        let (_, tool) = catalog.tool("slack_send_message").unwrap();
        let said = |arguments| tool.log_summary(&arguments);
        let usual = json!({"channel": "C012AB3CD", "text": "Grüße, CANARY", "thread_ts": "1.5"});
        assert_eq!(said(usual).as_deref(), Some("channel=C012AB3CD text.length=13 thread_ts=1.5"));
        for content in ["two words", "a@example.com", "", &"x".repeat(65), "\n"] {
            assert_eq!(said(json!({"channel": content})).as_deref(), Some("channel=?"));
        }
        assert_eq!(said(json!({"channel": {"a": 1}, "text": 7})), None);
        assert_eq!(said(json!([])), None);
    }
}
