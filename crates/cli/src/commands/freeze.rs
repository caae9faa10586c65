use std::process::ExitCode;

use astralform_domain::{Actor, Clock, ProjectId};
use astralform_engine::audit::{AuditChain, Event, record_or_go_on};
use astralform_storage::{
    Db,
    freezes::{self, Freezable},
};
use clap::Args;

use crate::{
    audited,
    config::{Store, StoreFlags},
    database,
    out::print,
    table::plain,
    telemetry,
};

/// Stop everything in a project at once, straight on its database, whether or not a server runs:
/// calls, prompts, API keys, sessions and confirmations are refused, and tokens are not refreshed
/// ahead of time. Administrators can still look, change secrets and revoke. The master key is not
/// needed. It lasts until `astralform unfreeze`.
#[derive(Args)]
pub(crate) struct Freeze {
    #[command(flatten)]
    scope: FreezeFlags,
}

/// Let a frozen project go on: everything that `freeze` stopped works again from then on, with the
/// same keys, sessions and connections, unless they were revoked meanwhile.
#[derive(Args)]
pub(crate) struct Unfreeze {
    #[command(flatten)]
    scope: FreezeFlags,
}

#[derive(Args)]
struct FreezeFlags {
    #[command(flatten)]
    which: ProjectFlags,
    #[command(flatten)]
    store: StoreFlags,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct ProjectFlags {
    /// The project, by its id
    #[arg(long, value_name = "ID")]
    project: Option<ProjectId>,
    /// Every project there is
    #[arg(long)]
    all: bool,
}

/// What became of each project.
struct Done {
    changed: Vec<Freezable>,
    unchanged: Vec<Freezable>,
}

impl Freeze {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        self.scope.run(true).await
    }
}

impl Unfreeze {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        self.scope.run(false).await
    }
}

impl FreezeFlags {
    async fn run(self, freezes: bool) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("warn")?;
        let db = database::connect_existing(&store.database).await?;
        let ProjectFlags { project, all: _ } = self.which;
        let chain = audited::chain(&db, &store).await;
        let done = change(&db, project, freezes, chain.as_ref()).await?;
        db.close().await;
        print(&in_words(&done, freezes))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Changes them in one transaction: of several projects, all or none.
async fn change(
    db: &Db,
    only: Option<ProjectId>,
    freezes: bool,
    chain: Option<&AuditChain>,
) -> anyhow::Result<Done> {
    let mut tx = db.begin(Actor::Operator).await?;
    let mut unchanged = freezes::list(&mut tx, only).await?;
    if let (Some(project), true) = (only, unchanged.is_empty()) {
        anyhow::bail!("there is no project {project} in this database");
    }
    let changed = if freezes {
        freezes::freeze(&mut tx, only, Clock::system().now()).await?
    } else {
        freezes::unfreeze(&mut tx, only).await?
    };
    let action = if freezes { "projects.frozen" } else { "projects.unfrozen" };
    let which: Vec<_> = changed.iter().map(|one| one.project.to_string()).collect();
    let subject = only.map_or_else(|| "all".to_owned(), |project| project.to_string());
    let event = Event::new(action, subject).with("projects", which);
    record_or_go_on(&mut tx, chain, &event).await?;
    tx.commit().await?;
    unchanged.retain(|one| changed.iter().all(|changed| changed.project != one.project));
    Ok(Done { changed, unchanged })
}

fn in_words(done: &Done, freezes: bool) -> String {
    let (did, was) =
        if freezes { ("frozen", "frozen already") } else { ("unfrozen", "not frozen") };
    let changed = done.changed.iter().map(|one| (one, did));
    let unchanged = done.unchanged.iter().map(|one| (one, was));
    let mut lines = Vec::new();
    for (one, what) in changed.chain(unchanged) {
        lines.push(format!("{}  {}  {what}", one.project, plain(&one.name)));
    }
    lines.push(match (done.changed.is_empty(), freezes) {
        (true, _) => "Nothing has changed.".to_owned(),
        (false, true) => "From now on calls, prompts, API keys, sessions and confirmations are \
            refused there; servers that run know within a second. Administrators can still look, \
            change secrets and revoke. `astralform unfreeze` lifts it."
            .to_owned(),
        (false, false) => "From now on everything there works again, with the keys, sessions and \
            connections that were not revoked meanwhile; servers that run know within a second."
            .to_owned(),
    });
    lines.join("\n")
}
