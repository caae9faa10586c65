//! The installation that is attacked: the other user's project, the attackers', and one whose
//! connector leads to a hostile provider.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    rc::Rc,
    sync::Arc,
};

use astralform_catalog::{builtin, load};
use astralform_domain::{Clock, Email, Entropy, Environment, ProjectId, Secret, Tenant};
use astralform_egress::{Egress, Networks};
use astralform_engine::{Engine, Parts, Site};
use astralform_management::Management;
use astralform_storage::{Db, calls::Keep};
use astralform_vault::read_key_file;
use serde_json::json;
use tempfile::TempDir;

use super::{
    attackers::{Faulty, Prepared},
    half_core::HalfCore,
    victim::Victim,
};
use crate::{
    Result,
    fill::{Wanted, end_user, fill},
    free_address,
    installations::COMPLETED,
    product::{Installation, Server},
    workload::{Workload, enabling},
};

/// Everything as it is before an attack; each attack gets a copy.
pub(super) struct Template {
    program: PathBuf,
    folder: TempDir,
    workload: Rc<Workload>,
}

/// A copy, with its server.
pub(super) struct Copied {
    pub(super) folder: TempDir,
    pub(super) server: Server,
    pub(super) victim: Rc<Victim>,
}

/// A project that was made besides the first.
struct Made {
    project: ProjectId,
    key: Secret,
    admin: Secret,
}

/// The end users of each project.
const END_USERS: usize = 100;
/// The usual limit of open files, which the product may raise.
const FILES: &str = "1024";
/// Joins a control group, takes the usual limit of open files, and becomes the product.
const CONFINED: &str =
    "if [ -n \"$0\" ]; then echo $$ > \"$0\"; fi; ulimit -Sn \"$1\"; shift; exec \"$@\"";

impl Template {
    pub(super) async fn make(program: &Path, upstream: SocketAddr) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let workload = Rc::new(Workload::load()?);
        let place = folder.path();
        let installation = Installation::set_up(program, place, None, &workload, upstream).await?;
        let engine = engine(&installation).await?;
        let attackers = make_project(&engine, "attackers").await?;
        let hostile = make_project(&engine, "hostile").await?;
        drop(engine);
        let faulty = Faulty::load()?;
        let address = free_address()?;
        let enable =
            |made: &Made, at| workload.enabling(&made.project.to_string(), &made.admin, at);
        let project = attackers.project.to_string();
        let plain = json!({"connector": faulty.connector});
        installation
            .enable(&[
                enable(&attackers, upstream),
                enabling(&project, &attackers.admin, &plain),
                enable(&hostile, address),
            ])
            .await?;
        for project in [installation.made.project, attackers.project, hostile.project] {
            let wanted = Wanted { project, end_users: 0..END_USERS, is_due: false };
            fill(&installation, &workload, wanted).await?;
        }
        let text = |secret: &Secret| secret.expose().to_owned();
        let of_hostile = (hostile.project.to_string(), text(&hostile.key), text(&hostile.admin));
        Prepared::new(text(&attackers.key), address, of_hostile).write(place)?;
        Ok(Self { program: program.to_owned(), folder, workload })
    }

    /// Copies everything, and starts the server in a control group, where there is one.
    pub(super) async fn copy(&self, half_core: Option<&HalfCore>) -> Result<Copied> {
        let folder = tempfile::tempdir()?;
        copy_all(self.folder.path(), folder.path())?;
        let installation = Installation::at(&self.program, folder.path(), None)?;
        let mut command = Command::new("/bin/sh");
        let members = half_core.map(HalfCore::members).unwrap_or_default();
        command.args(["-c", CONFINED]).arg(members).arg(FILES).arg(installation.program());
        let server = installation.start_by(command).await?;
        if half_core.is_some_and(|group| !group.holds(server.child.id())) {
            return Err("the product is not in its control group".into());
        }
        let address = server.address;
        let key = &installation.made.key;
        let requests =
            (0..END_USERS).map(|number| self.workload.call(key, &end_user(number))).collect();
        let victim = Rc::new(Victim { address, requests, good: COMPLETED });
        Ok(Copied { folder, server, victim })
    }
}

/// Returns the engine alone, for what neither the API nor a command does yet: making projects.
async fn engine(installation: &Installation) -> Result<Arc<Engine>> {
    let (catalog, faults) = load(builtin().iter().copied());
    if !faults.is_empty() {
        return Err("the built-in catalogue has faults".into());
    }
    let networks: Networks = [].into_iter().collect();
    let public_url = "http://127.0.0.1".parse()?;
    Ok(Engine::new(Parts {
        db: Db::open_sqlite(&installation.sqlite_file()).await?,
        catalog,
        key_ring: read_key_file(&installation.key_file())?,
        egress: Egress::new(networks, None),
        site: Site::new(public_url, None),
        clock: Clock::system(),
        entropy: Entropy::system(),
        node: "abuse".to_owned(),
        call_log: Keep::default(),
        spool: None,
    }))
}

async fn make_project(engine: &Arc<Engine>, name: &str) -> Result<Made> {
    let provisioning = Management::over(engine).provisioning;
    let made = provisioning.provision(name, name).await?;
    let email: Email = format!("{name}@example.com").parse()?;
    let admin = provisioning.create_owner(made.team, &email).await?;
    let tenant = Tenant { project: made.project, environment: Environment::Test };
    let key = provisioning.create_api_key(tenant, None).await?;
    Ok(Made { project: made.project, key, admin })
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&to)?;
            copy_all(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
