//! Which project and agent are meant.

use astralform_storage::{
    Db,
    agents::{self, Agent},
    projects::{self, ListedProject},
};

use crate::table::plain;

/// Returns the project of that id or name, or the only one there is.
///
/// # Errors
/// When there is none, or several; says which there are.
pub(super) async fn project(db: &Db, named: Option<&str>) -> anyhow::Result<ListedProject> {
    let all = projects::list(db).await?;
    let is_meant = |project: &&ListedProject| {
        named.is_none_or(|named| project.name == named || project.id.to_string() == named)
    };
    let meant: Vec<_> = all.iter().filter(is_meant).collect();
    let listed = |projects: &[&ListedProject]| -> String {
        let line =
            |project: &&ListedProject| format!("\n  {}  {}", project.id, plain(&project.name));
        projects.iter().map(line).collect()
    };
    match (meant.as_slice(), named) {
        ([one], _) => Ok(ListedProject::clone(one)),
        ([], _) if all.is_empty() => {
            anyhow::bail!("this database has no project: run `astralform bootstrap` first")
        }
        ([], named) => anyhow::bail!(
            "there is no project `{}`; there are:{}",
            named.unwrap_or_default(),
            listed(&all.iter().collect::<Vec<_>>())
        ),
        (several, Some(named)) => {
            anyhow::bail!(
                "several projects are called `{named}`; name one by its id:{}",
                listed(several)
            )
        }
        (several, None) => {
            anyhow::bail!("say with --project which of these is meant:{}", listed(several))
        }
    }
}

/// Returns the agent of that id or name.
///
/// # Errors
/// When the project has none; says which it has.
pub(super) async fn agent(db: &Db, of: &ListedProject, named: &str) -> anyhow::Result<Agent> {
    if let Some(agent) = agents::named(db, of.id, named).await? {
        return Ok(agent);
    }
    let line = |agent: Agent| format!("\n  {}  {}", agent.id, plain(&agent.name));
    let known: String = agents::list(db, of.id).await?.into_iter().map(line).collect();
    anyhow::bail!("the project {} has no agent `{named}`; it has:{known}", plain(&of.name))
}
