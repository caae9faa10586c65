use clap::Args;
use serde_json::Value;

use super::{Management, ManagementFlags, NamedProject, all_rows, in_json};
use crate::out::{Unprinted, print};

/// A project of a server, and in which form its answers are printed.
#[derive(Args)]
pub(crate) struct ProjectAccess {
    #[command(flatten)]
    project: NamedProject,
    #[command(flatten)]
    server: ServerAccess,
}

/// A server, and in which form its answers are printed.
#[derive(Args)]
pub(crate) struct ServerAccess {
    /// Print the server's JSON, one line for each object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    access: ManagementFlags,
}

/// A server that is asked for one command.
pub(crate) struct OpenServer {
    pub(crate) server: Management,
    is_json: bool,
}

/// A project that a command works on.
pub(crate) struct OpenProject {
    pub(crate) at: OpenServer,
    path: String,
}

impl ServerAccess {
    pub(crate) fn open(self) -> anyhow::Result<OpenServer> {
        Ok(OpenServer { server: Management::new(self.access)?, is_json: self.json })
    }
}

impl ProjectAccess {
    /// Finds the project.
    pub(crate) async fn open(self) -> anyhow::Result<OpenProject> {
        let at = self.server.open()?;
        let path = self.project.path(&at.server).await?;
        Ok(OpenProject { at, path })
    }
}

impl OpenServer {
    /// Returns whether answers are printed as they are.
    pub(crate) fn is_json(&self) -> bool {
        self.is_json
    }

    /// Prints an answer as it is, or in words.
    pub(crate) fn show(
        &self,
        answer: &Value,
        in_words: impl FnOnce(&Value) -> String,
    ) -> Result<(), Unprinted> {
        print(&if self.is_json { answer.to_string() } else { in_words(answer) })
    }

    /// Prints what a change came to; in JSON, nothing where the server says nothing of it.
    pub(crate) fn tell(&self, in_words: &str) -> Result<(), Unprinted> {
        if self.is_json { Ok(()) } else { print(in_words) }
    }

    /// Prints all the rows of a list as they are, or in words; `none` where there are none.
    pub(crate) async fn list(
        &self,
        path: &str,
        query: &[(&str, &str)],
        in_words: impl FnOnce(&[Value]) -> String,
        none: &str,
    ) -> anyhow::Result<()> {
        let rows = all_rows(&self.server, path, query).await?;
        match (rows.is_empty(), self.is_json) {
            (true, true) => {}
            (true, false) => print(none)?,
            (false, true) => print(&in_json(&rows))?,
            (false, false) => print(&in_words(&rows))?,
        }
        Ok(())
    }
}

impl OpenProject {
    /// Returns the path of something in the project, or of the project itself.
    pub(crate) fn path(&self, below: &str) -> String {
        format!("{}{below}", self.path)
    }
}
