use serde_json::{Map, Value, json};
use tracing_subscriber::fmt::{
    format::Writer,
    time::{FormatTime as _, SystemTime},
};

/// What lines look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One JSON object a line.
    Json,
    /// Words, for people.
    Text,
}

impl Form {
    /// Returns a line with a warning about the log itself.
    pub(super) fn warning(self, message: &str, fields: &Map<String, Value>) -> String {
        let mut timestamp = String::new();
        let _ = SystemTime.format_time(&mut Writer::new(&mut timestamp));
        match self {
            Self::Json => {
                let mut all = Map::from_iter([("message".to_owned(), message.into())]);
                all.extend(fields.clone());
                let target = module_path!();
                let line = json!({
                    "timestamp": timestamp, "level": "WARN", "fields": all, "target": target,
                });
                format!("{line}\n")
            }
            Self::Text => {
                let fields = fields.iter().map(|(name, value)| format!(" {name}={value}"));
                let fields: String = fields.collect();
                format!("{timestamp}  WARN {message}{fields}\n")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_an_object_for_machines_and_words_for_people() {
        let fields = Map::from_iter([("lines".to_owned(), 7.into())]);
        let machine = Form::Json.warning("lost", &fields);
        let read: Value = serde_json::from_str(&machine).unwrap();
        assert_eq!(
            (&read["fields"]["message"], &read["fields"]["lines"]),
            (&"lost".into(), &7.into())
        );
        let people = Form::Text.warning("lost", &fields);
        assert!(people.ends_with("  WARN lost lines=7\n"), "{people}");
    }
}
