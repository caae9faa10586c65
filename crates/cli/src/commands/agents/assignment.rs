use std::str::FromStr;

use astralform_domain::{ConnectorSlug, InvalidName, ToolName};
use serde_json::{Value, json};

use crate::management::text;

/// A connector to be assigned to an agent, and what of it: `SLUG`, `SLUG:read-only` or
/// `SLUG:TOOL,TOOL`.
#[derive(Clone)]
pub(super) struct Assignment {
    connector: ConnectorSlug,
    tools: Tools,
}

#[derive(Clone)]
enum Tools {
    All,
    ReadOnly,
    Only(Vec<ToolName>),
}

impl FromStr for Assignment {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let Some((connector, tools)) = text.split_once(':') else {
            return Ok(Self { connector: text.parse()?, tools: Tools::All });
        };
        let tools = match tools {
            "read-only" => Tools::ReadOnly,
            names => Tools::Only(names.split(',').map(str::parse).collect::<Result<_, _>>()?),
        };
        Ok(Self { connector: connector.parse()?, tools })
    }
}

impl Assignment {
    pub(super) fn body(&self) -> Value {
        let connector = &self.connector;
        match &self.tools {
            Tools::All => json!({"connector": connector}),
            Tools::ReadOnly => json!({"connector": connector, "read_only": true}),
            Tools::Only(tools) => json!({"connector": connector, "tools": tools}),
        }
    }
}

/// Returns the connectors of an agent, in the form in which they are assigned.
pub(super) fn in_words(agent: &Value) -> String {
    let Some(assigned) = agent["connectors"].as_array() else { return "all".to_owned() };
    if assigned.is_empty() {
        return "none".to_owned();
    }
    assigned.iter().map(one_in_words).collect::<Vec<_>>().join(" ")
}

fn one_in_words(assigned: &Value) -> String {
    let connector = text(assigned, "/connector");
    if assigned["read_only"] == true {
        return format!("{connector}:read-only");
    }
    let Some(tools) = assigned["tools"].as_array() else { return connector };
    let tools: Vec<_> = tools.iter().filter_map(Value::as_str).collect();
    format!("{connector}:{}", tools.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_written_as_it_is_read() {
        let given = ["slack", "notion:read-only", "github:github_list_repos,github_search_issues"];
        let bodies = given.map(|text| text.parse::<Assignment>().map(|one| one.body()).unwrap());
        assert_eq!(bodies[1], json!({"connector": "notion", "read_only": true}));
        let agent = json!({"connectors": bodies});
        assert_eq!(in_words(&agent), given.join(" "));
        assert_eq!(in_words(&json!({"connectors": null})), "all");
        assert_eq!(in_words(&json!({"connectors": []})), "none");
        for bad in ["", "Slack", "slack:", "slack:a,", "slack:read-only,a", "slack:a:b", "a/b"] {
            assert!(bad.parse::<Assignment>().is_err(), "{bad}");
        }
    }
}
