//! Where chains are had from, with their keys.

use std::sync::Arc;

use astralform_domain::{ProjectId, TeamId};
use astralform_storage::{Tx, audit};

use super::{AuditChain, Broken, ChainKey, INSTALLATION, Verified};
use crate::{Fault, base::Base};

impl Base {
    /// Creates the keys of a new project, and begins its chain.
    ///
    /// # Errors
    /// When the database does not store them.
    pub async fn begin_project(
        &self,
        tx: &mut Tx,
        project: ProjectId,
    ) -> Result<AuditChain, Fault> {
        let keys = self.keys.create(tx, project, self.now(), &self.entropy).await?;
        let key = ChainKey::Project(Arc::new(keys));
        let chain = AuditChain { name: project.to_string(), project: Some(project), key };
        chain.begin(tx).await?;
        Ok(chain)
    }

    /// Returns the chain of a project.
    ///
    /// # Errors
    /// When its key cannot be had.
    pub async fn project_chain(&self, project: ProjectId) -> Result<AuditChain, Fault> {
        let key = ChainKey::Project(self.keys_of(project).await?);
        Ok(AuditChain { name: project.to_string(), project: Some(project), key })
    }

    /// Returns the chain of a team.
    ///
    /// # Errors
    /// When the installation's key cannot be had.
    pub async fn team_chain(&self, team: TeamId) -> Result<AuditChain, Fault> {
        let key = ChainKey::Installation(self.keys.of_installation(&self.db).await?);
        Ok(AuditChain { name: team.to_string(), project: None, key })
    }

    /// Returns the chain of what belongs to no team.
    ///
    /// # Errors
    /// When the installation's key cannot be had.
    pub async fn installation_chain(&self) -> Result<AuditChain, Fault> {
        let key = ChainKey::Installation(self.keys.of_installation(&self.db).await?);
        Ok(AuditChain { name: INSTALLATION.to_owned(), project: None, key })
    }
}

impl Base {
    /// Returns the chain of that name; `None` where its key is gone with what it is about, or no
    /// chain is called so.
    ///
    /// # Errors
    /// When its key cannot be had.
    pub async fn chain_named(&self, name: &str) -> Result<Option<AuditChain>, Fault> {
        if name == INSTALLATION {
            return self.installation_chain().await.map(Some);
        }
        if let Ok(team) = name.parse() {
            return self.team_chain(team).await.map(Some);
        }
        let Ok(project) = name.parse() else { return Ok(None) };
        match self.project_chain(project).await {
            Ok(chain) => Ok(Some(chain)),
            Err(Fault::Inconsistent(_)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Reads every chain of the audit log, and returns what became of each.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn verify_audit(&self) -> Result<Vec<Verified>, Fault> {
        let mut all = Vec::new();
        for name in audit::chains(&self.db).await? {
            all.push(match self.chain_named(&name).await? {
                Some(chain) => chain.verify(self).await?,
                None => Verified { chain: name, entries: 0, broken: Some(Broken::NoKey) },
            });
        }
        Ok(all)
    }
}
