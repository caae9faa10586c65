mod report;

use std::{
    io::{IsTerminal as _, stderr},
    process::ExitCode,
    sync::Arc,
};

use astralform_domain::{Clock, ConnectorSlug, Entropy, Environment};
use astralform_egress::Egress;
use astralform_engine::{
    Engine, Parts, Site,
    explain::Step,
    project_connectors::{Examination, Finding, Verdict},
};
use astralform_management::{Management, ProjectActor, agents::Agent, explanations::AskedTool};
use astralform_storage::{
    Db,
    calls::Keep,
    nodes,
    projects::{self, ListedProject},
};
use clap::Args;
use url::Url;

use crate::{
    catalog_dirs,
    config::{Config, Flags},
    keys,
    out::print,
    telemetry,
};
use report::{Place, Report, Row};

/// Look through a whole installation for what keeps its connectors from working, or will: every
/// provider is asked whether it takes the credentials, and settings, clocks, addresses, scopes and
/// agents are looked at. It changes nothing, and runs beside servers, with the configuration that
/// they have.
#[derive(Args)]
#[command(
    after_help = "The exit code is 1 where something does not work, and 0 where there are warnings \
                        alone, or nothing."
)]
pub(crate) struct Doctor {
    /// Print one line of JSON for each finding instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags,
}

/// What is examined, and where what is found goes.
struct Round {
    engine: Arc<Engine>,
    management: Management,
    db: Db,
    report: Report,
}

impl Doctor {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = Config::load(self.flags)?;
        telemetry::start_plain("error")?;
        let catalog = catalog_dirs::load_with_builtin(&config.catalog_dirs)?;
        let (db, key_ring) = keys::open_existing(&config.store).await?;
        let public_url = match config.place.public_url {
            Some(url) => url,
            None => Url::parse("http://localhost:8787")?,
        };
        let sandbox = config.sandbox;
        let simulator = sandbox.map(|at| Url::parse(&format!("http://{at}"))).transpose()?;
        let engine = Engine::new(Parts {
            db: db.clone(),
            catalog,
            key_ring,
            egress: Egress::trusting(config.private_networks, sandbox, config.extra_roots),
            site: Site::new(public_url, simulator),
            clock: Clock::system(),
            entropy: Entropy::system(),
            node: "doctor".to_owned(),
            call_log: Keep::default(),
            spool: None,
        });
        let management = Management::over(&engine);
        let mut round = Round { engine, management, db, report: Report::default() };
        round.look_at_clocks().await?;
        for project in projects::list(&round.db).await? {
            round.look_at_project(&project).await?;
        }
        round.db.close().await;
        let report = &round.report;
        print(&if self.json { report.in_json() } else { report.in_words() })?;
        Ok(if report.has_errors() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

impl Round {
    /// Compares the clocks of the servers with the database's, as each wrote both down.
    async fn look_at_clocks(&mut self) -> anyhow::Result<()> {
        for node in nodes::clocks(&self.db).await? {
            if node.apart > nodes::CLOCKS_APART {
                self.report.add(Row {
                    code: "clock_off",
                    is_error: true,
                    why: format!(
                        "the clock of the server {} and the database's are {} seconds apart",
                        node.name,
                        node.apart.as_secs()
                    ),
                    fix: "synchronise the clocks of both machines, by NTP for example".to_owned(),
                    at: Place::default(),
                });
            }
        }
        Ok(())
    }

    async fn look_at_project(&mut self, project: &ListedProject) -> anyhow::Result<()> {
        self.report.projects += 1;
        let by = ProjectActor::operator(project.id);
        let connectors = self.management.connectors.list(&by, None).await?;
        let mut enabled = Vec::new();
        for overview in &connectors {
            let environment = overview.settings.tenant.environment;
            let slug = overview.settings.connector.clone();
            let at = Place::of(project).in_environment(environment).about(&slug);
            if stderr().is_terminal() {
                eprintln!("looking at {at}");
            }
            self.report.connectors += 1;
            enabled.push((environment, slug.clone()));
            if overview.settings.sandbox && self.engine.site().simulator().is_none() {
                self.report.add(Row {
                    code: "sandbox_not_looked_at",
                    is_error: false,
                    why: "it uses the simulated services, of which this command was not told"
                        .to_owned(),
                    fix: "give --sandbox and --sandbox-listen as the server has them".to_owned(),
                    at,
                });
                continue;
            }
            match self.management.connectors.check(&by, environment, &slug).await {
                Ok(found) => self.note(&at, &found, overview.reason.as_deref()),
                Err(why) => self.report.add(Row {
                    code: "connector_misconfigured",
                    is_error: true,
                    why: why.to_string(),
                    fix: "change the connector's settings as the reason says".to_owned(),
                    at,
                }),
            }
        }
        for agent in self.management.agents.list(&by).await? {
            self.look_at_agent(project, &agent, &enabled).await?;
        }
        Ok(())
    }

    fn note(&mut self, at: &Place, found: &Examination, reason: Option<&str>) {
        let fix = "enter the app's `credentials` as the provider's console shows them".to_owned();
        let (code, is_error, why) = match &found.verdict {
            Verdict::Accepted(_) => ("", false, None),
            Verdict::Rejected(why) => ("credentials_rejected", true, Some(why)),
            Verdict::Unknown(why) => ("credentials_unknown", false, Some(why)),
        };
        let verdict = why.map(|why| Row { code, is_error, why: why.clone(), fix, at: at.clone() });
        self.report.rows.extend(verdict.clone());
        let rows = found.findings.iter().map(|finding| row_of(finding, at));
        self.report.rows.extend(rows);
        if let (Some(reason), None, true) = (reason, verdict, found.findings.is_empty()) {
            self.report.add(Row {
                code: "connector_not_ready",
                is_error: true,
                why: reason.to_owned(),
                fix: "do as the reason says".to_owned(),
                at: at.clone(),
            });
        }
    }

    /// Finds what an agent has been assigned and cannot have, in the environments in which any
    /// connector is enabled.
    async fn look_at_agent(
        &mut self,
        project: &ListedProject,
        agent: &Agent,
        enabled: &[(Environment, ConnectorSlug)],
    ) -> anyhow::Result<()> {
        let by = ProjectActor::operator(project.id);
        for environment in [Environment::Live, Environment::Test] {
            if !enabled.iter().any(|(at, _)| *at == environment) {
                continue;
            }
            for assigned in agent.connectors.iter().flatten() {
                let known = self.engine.catalog().connector(&assigned.connector);
                let tool = known.and_then(|connector| connector.tools.first());
                let Some(tool) = tool else { continue };
                let asked = AskedTool {
                    environment,
                    tool: tool.name.to_string(),
                    agent: Some(agent.id.to_string()),
                    end_user: None,
                    api_key: None,
                };
                let explained = self.management.explanations.explain(&by, &asked).await?;
                let missing = explained.cause.as_ref().filter(|c| c.step() == Step::Enabled);
                if let (Some(cause), Some(why), Some(fix)) =
                    (missing, explained.why(), explained.fix())
                {
                    let at = Place::of(project).in_environment(environment);
                    let at = at.about(&assigned.connector);
                    let why = format!("the agent `{}` has been assigned it, and {why}", agent.name);
                    self.report.add(Row { code: cause.code(), is_error: false, why, fix, at });
                }
            }
        }
        Ok(())
    }
}

fn row_of(finding: &Finding, at: &Place) -> Row {
    Row {
        code: finding.code(),
        is_error: finding.is_error(),
        why: finding.why(),
        fix: finding.fix(),
        at: at.clone(),
    }
}
