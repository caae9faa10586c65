//! Which project and agent are meant.

use std::fmt::Write as _;

use astralform_storage::{
    Db,
    agents::{self, Agent},
    projects::{self, ListedProject},
};

use crate::table::plain;

/// Returns the project of that id or name, or the only one there is.
///
/// # Errors
/// When there is none, or several; the message lists them.
pub(super) async fn project(db: &Db, named: Option<&str>) -> anyhow::Result<ListedProject> {
    let all = projects::list(db).await?;
    let meant = all.iter().filter(|project| {
        named.is_none_or(|named| project.name == named || project.id.to_string() == named)
    });
    let meant: Vec<_> = meant.collect();
    match (meant.as_slice(), named) {
        ([one], _) => Ok(ListedProject::clone(one)),
        ([], _) if all.is_empty() => {
            anyhow::bail!("this database has no project: run `astralform bootstrap` first")
        }
        ([], named) => anyhow::bail!(
            "there is no project `{}`; there are:{}",
            named.unwrap_or_default(),
            list(&all)
        ),
        (several, Some(named)) => {
            anyhow::bail!(
                "several projects are called `{named}`; name one by its id:{}",
                list(several.iter().copied())
            )
        }
        (several, None) => {
            anyhow::bail!(
                "say with --project which of these is meant:{}",
                list(several.iter().copied())
            )
        }
    }
}

fn list<'p>(projects: impl IntoIterator<Item = &'p ListedProject>) -> String {
    let mut lines = String::new();
    for project in projects {
        let _ = write!(lines, "\n  {}  {}", project.id, plain(&project.name));
    }
    lines
}

/// Returns the agent of that id or name.
///
/// # Errors
/// When the project has no such agent; the message lists those that it has.
pub(super) async fn agent(db: &Db, of: &ListedProject, named: &str) -> anyhow::Result<Agent> {
    if let Some(agent) = agents::named(db, of.id, named).await? {
        return Ok(agent);
    }
    let mut known = String::new();
    for agent in agents::list(db, of.id).await? {
        let _ = write!(known, "\n  {}  {}", agent.id, plain(agent.name.as_str()));
    }
    anyhow::bail!("the project {} has no agent `{named}`; it has:{known}", plain(&of.name))
}
