//! The process that attacks: lanes of connections, each of which does one thing over and over.

mod hostile;
mod lanes;
mod plans;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    rc::Rc,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{Result, child::Child};

use super::attackers::{Attacker, Prepared};

pub(super) use lanes::Counts;

/// What is to be attacked, as the command line says it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Attack {
    pub(crate) attacker: Attacker,
    /// Where the product is.
    pub(crate) address: SocketAddr,
    /// The folder of the installation, where the attacker finds what it was given.
    pub(crate) folder: PathBuf,
    pub(crate) time: Duration,
}

/// What each lane did, by its name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Done(pub(super) BTreeMap<String, Counts>);

/// Where the attacker leaves what it did, in the installation's folder.
const DONE: &str = "attack.json";
/// What starts it: with all the files it may open, and behind everybody else who wants the
/// processor.
const START: &str = "ulimit -Sn \"$(ulimit -Hn)\"; exec nice -n 10 \"$@\"";

impl Attack {
    /// Attacks until the time is over, then says what was done.
    pub(crate) async fn run(&self) -> Result<()> {
        let prepared = Prepared::read(&self.folder)?;
        let counts = Rc::new(RefCell::new(BTreeMap::new()));
        let attack = plans::lanes(self, &prepared, &counts);
        let (lanes, _provider) = match tokio::time::timeout(self.time, attack).await {
            Ok(ready) => ready?,
            // The product may be hard to reach already.
            Err(_) => return self.leave(&counts),
        };
        let lanes = lanes::start(self.address, lanes, &counts);
        tokio::time::sleep(self.time).await;
        drop(lanes);
        self.leave(&counts)
    }

    fn leave(&self, counts: &lanes::Book) -> Result<()> {
        let done = Done(counts.take());
        fs::write(self.folder.join(DONE), serde_json::to_vec(&done)?)?;
        Ok(())
    }

    /// Starts a process that does it.
    pub(super) fn start(&self) -> Result<Child> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", START, "attack"]).arg(std::env::current_exe()?);
        command.args(["attack", self.attacker.name(), &self.address.to_string()]);
        command.arg(&self.folder).arg(self.time.as_secs().to_string());
        command.stdout(Stdio::null());
        Child::start("the attacker", &mut command)
    }
}

impl Done {
    /// Reads what the attacker has left.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let left = fs::read(folder.join(DONE));
        let left = left.map_err(|error| format!("the attacker left no word: {error}"))?;
        Ok(serde_json::from_slice(&left)?)
    }
}
