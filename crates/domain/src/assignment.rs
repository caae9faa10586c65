use serde::{Deserialize, Serialize};

use crate::{ConnectorSlug, ToolName};

/// A connector assigned to an agent, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The connector.
    pub connector: ConnectorSlug,
    /// Which of its tools.
    #[serde(flatten)]
    pub tools: AssignedTools,
}

/// The tools of a connector that an agent may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "may_use", content = "tools")]
pub enum AssignedTools {
    /// All that the project connector offers.
    #[default]
    All,
    /// Those that change nothing at the provider.
    ReadOnly,
    /// Those of a list.
    Only(Vec<ToolName>),
}

impl AssignedTools {
    /// Returns whether a tool is one of them.
    pub fn has(&self, tool: &ToolName, is_read_only: bool) -> bool {
        match self {
            Self::All => true,
            Self::ReadOnly => is_read_only,
            Self::Only(tools) => tools.contains(tool),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_of_all_tools_of_those_that_only_read_or_of_a_list() {
        let read: ToolName = "chat_read".parse().unwrap();
        let send: ToolName = "chat_send".parse().unwrap();
        for (tools, expected) in [
            (AssignedTools::All, [true, true]),
            (AssignedTools::ReadOnly, [true, false]),
            (AssignedTools::Only(vec![send.clone()]), [false, true]),
            (AssignedTools::Only(vec![]), [false, false]),
        ] {
            assert_eq!([tools.has(&read, true), tools.has(&send, false)], expected, "{tools:?}");
            let connector = "chat".parse().unwrap();
            let assignment = Assignment { connector, tools };
            let json = serde_json::to_string(&assignment).unwrap();
            assert_eq!(serde_json::from_str::<Assignment>(&json).unwrap(), assignment, "{json}");
        }
    }
}
