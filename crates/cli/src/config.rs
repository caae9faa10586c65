//! Settings: `astralform.toml`, overridden by `ASTRALFORM_…` variables, overridden by flags.

mod database;
mod empty;
mod file;
mod flags;
mod hosts;
mod key_file;
mod listen;
mod misspelt;
mod roots;
mod spans;
mod values;

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context as _;
use astralform_domain::Secret;
use astralform_egress::{ExtraRoots, Networks};
use astralform_http::{AllowedHosts, Proxies, Rate};
use astralform_storage::calls::Keep;
use astralform_surface::Rates;
use url::Url;

pub(crate) use database::Database;
pub(crate) use empty::{without_empty_flags, without_empty_variables};
use file::{SettingsFile, read};
use flags::{CallLogFlags, RateFlags};
pub(crate) use flags::{Flags, PlaceFlags, StoreFlags};
pub(crate) use key_file::KeyFile;
pub(crate) use listen::Listen;
pub(crate) use misspelt::misspelt_variables;
pub(crate) use roots::extra_roots;
pub(crate) use spans::SpansTo;
use spans::spans_to;
use values::{check_metrics_token, networks};

/// Where an installation keeps what it knows.
pub(crate) struct Store {
    pub(crate) database: Database,
    pub(crate) data_dir: PathBuf,
    pub(crate) key_file: KeyFile,
    pub(crate) log: String,
}

/// Where a server is reached.
pub(crate) struct Place {
    pub(crate) listen: Listen,
    pub(crate) public_url: Option<Url>,
}

/// The settings in force.
pub(crate) struct Config {
    pub(crate) store: Store,
    pub(crate) place: Place,
    pub(crate) catalog_dirs: Vec<PathBuf>,
    pub(crate) private_networks: Networks,
    /// The authorities that are trusted besides the public ones.
    pub(crate) extra_roots: ExtraRoots,
    pub(crate) trusted_proxies: Proxies,
    pub(crate) allowed_hosts: AllowedHosts,
    pub(crate) rates: Rates,
    /// For how long, and in how much room, the call log is kept.
    pub(crate) call_log: Keep,
    pub(crate) node: Option<String>,
    /// Where the spans of calls are sent, where they are.
    pub(crate) spans: Option<SpansTo>,
    /// The token that a reader of the metrics must send.
    pub(crate) metrics_token: Option<Secret>,
    /// Where the simulated services listen, where they run.
    pub(crate) sandbox: Option<SocketAddr>,
}

impl Store {
    pub(crate) fn load(flags: StoreFlags) -> anyhow::Result<Self> {
        let mut file = read(flags.config.as_deref())?;
        Self::merge(flags, &mut file)
    }

    fn merge(flags: StoreFlags, file: &mut SettingsFile) -> anyhow::Result<Self> {
        let data_dir = flags.data_dir.or(file.data_dir.take()).unwrap_or_else(|| "data".into());
        let database_url = flags.database_url.or(file.database_url.take());
        let is_group_readable =
            flags.key_file_group_readable || file.key_file_group_readable.unwrap_or_default();
        Ok(Self {
            database: Database::read(database_url.as_deref(), &data_dir)?,
            data_dir,
            key_file: KeyFile::new(flags.key_file.or(file.key_file.take()), is_group_readable),
            log: flags.log.or(file.log.take()).unwrap_or_else(|| "info".to_owned()),
        })
    }
}

impl Place {
    fn merge(flags: PlaceFlags, file: &mut SettingsFile) -> anyhow::Result<Self> {
        let listen = match (flags.listen, file.listen.take()) {
            (Some(listen), _) => Some(listen),
            (None, set) => set.map(|text| text.parse()).transpose().context("listen")?,
        };
        let public_url = match (flags.public_url, file.public_url.take()) {
            (Some(url), _) => Some(url),
            (None, Some(text)) => Some(Url::parse(&text).with_context(|| {
                format!("public_url in the settings file: `{text}` is no address")
            })?),
            (None, None) => None,
        };
        public_url.iter().try_for_each(check_public_url)?;
        let listen = listen.unwrap_or(Listen::At(([127, 0, 0, 1], 8787).into()));
        Ok(Self { listen, public_url })
    }

    /// Returns where commands on this machine are told to reach the server, before it runs.
    pub(crate) fn address(&self) -> String {
        let url = self.public_url.clone().or_else(|| match &self.listen {
            Listen::At(address) => derived_public_url(*address).ok(),
            Listen::Named(..) => None,
        });
        url.map_or_else(
            || "http://127.0.0.1:8787".to_owned(),
            |url| url.as_str().trim_end_matches('/').to_owned(),
        )
    }
}

/// Loads the settings of a command that works on the database and tells where the server is.
pub(crate) fn load_store_and_place(
    store: StoreFlags,
    place: PlaceFlags,
) -> anyhow::Result<(Store, Place)> {
    let mut file = read(store.config.as_deref())?;
    Ok((Store::merge(store, &mut file)?, Place::merge(place, &mut file)?))
}

impl Config {
    pub(crate) fn load(flags: Flags) -> anyhow::Result<Self> {
        let file = read(flags.store.config.as_deref())?;
        Self::merge(flags, file)
    }

    fn merge(flags: Flags, mut file: SettingsFile) -> anyhow::Result<Self> {
        let store = Store::merge(flags.store, &mut file)?;
        let private = (flags.allow_private_networks, file.allow_private_networks.take());
        let private_networks = networks("allow_private_networks", private)?;
        let roots = flags.extra_roots.or(file.extra_roots.take()).unwrap_or_default();
        let proxies = (flags.trusted_proxies, file.trusted_proxies.take());
        let trusted_proxies = networks("trusted_proxies", proxies)?;
        let allowed_hosts = hosts::read(flags.allowed_hosts.or(file.allowed_hosts.take()))?;
        let rates = flags.rates.merge(&file)?;
        let call_log = flags.call_log.merge(&file)?;
        let place = Place::merge(flags.place, &mut file)?;
        let otlp_url = flags.otlp.url.or(file.otlp_url.take());
        let otlp_header = flags.otlp.header.or(file.otlp_header.take());
        let metrics_token = flags.metrics_token.or(file.metrics_token);
        let sandbox = flags.sandbox || file.sandbox.unwrap_or_default();
        let sandbox_listen = match (flags.sandbox_listen, file.sandbox_listen) {
            (Some(listen), _) => Some(listen),
            (None, set) => set.map(|text| text.parse()).transpose().context("sandbox_listen")?,
        };
        Ok(Self {
            store,
            place,
            catalog_dirs: flags.catalog_dirs.or(file.catalog_dirs).unwrap_or_default(),
            private_networks: private_networks.into_iter().collect(),
            extra_roots: extra_roots(&roots)?,
            trusted_proxies: trusted_proxies.into_iter().collect(),
            allowed_hosts,
            rates,
            call_log,
            spans: spans_to(otlp_url.as_deref(), otlp_header)?,
            metrics_token: metrics_token.map(check_metrics_token).transpose()?,
            node: flags.node.or(file.node),
            sandbox: sandbox.then(|| sandbox_address(sandbox_listen)).transpose()?,
        })
    }
}

impl RateFlags {
    /// Returns the rates that are set here, or in the file, or else the default ones.
    fn merge(self, file: &SettingsFile) -> anyhow::Result<Rates> {
        let rates = Rates::default();
        let end_user = check_rate("end_user_rate", self.end_user.or(file.end_user_rate))?;
        Ok(Rates {
            end_user: end_user.unwrap_or(rates.end_user),
            key: check_rate("key_rate", self.key.or(file.key_rate))?,
            project: check_rate("project_rate", self.project.or(file.project_rate))?,
            ..rates
        })
    }
}

impl CallLogFlags {
    /// Returns what is set here, or in the file, or else by default.
    fn merge(self, file: &SettingsFile) -> anyhow::Result<Keep> {
        let usual = Keep::default();
        let days = self.days.or(file.call_log_days).unwrap_or(usual.days);
        let gib = self.gib.or(file.call_log_gib);
        anyhow::ensure!(days > 0, "call_log_days must be 1 or more");
        anyhow::ensure!(gib != Some(0), "call_log_gib must be 1 or more");
        let bytes = gib.map_or(usual.bytes, |gib| u64::from(gib) << 30);
        Ok(Keep { days, bytes })
    }
}

fn check_rate(name: &str, per_second: Option<u32>) -> anyhow::Result<Option<Rate>> {
    anyhow::ensure!(per_second != Some(0), "{name} must be 1 or more");
    Ok(per_second.map(|per_second| Rate::with_two_seconds(per_second.into())))
}

/// Takes loopback addresses alone: only this machine is to reach the simulated services.
fn sandbox_address(wished: Option<Listen>) -> anyhow::Result<SocketAddr> {
    match wished.unwrap_or(Listen::At(([127, 0, 0, 1], 8788).into())) {
        Listen::At(address) if address.ip().is_loopback() => Ok(address),
        other => anyhow::bail!(
            "sandbox_listen must be a loopback address, such as 127.0.0.1:8788; {other} is none"
        ),
    }
}

/// Returns the name of a server that was given none: another on the same machine listens elsewhere.
pub(crate) fn derived_node(listen: SocketAddr) -> String {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}/{listen}", machine.trim())
}

/// Returns where browsers reach a server that was not told: the address listened on, if that is
/// loopback.
pub(crate) fn derived_public_url(listen: SocketAddr) -> anyhow::Result<Url> {
    let url = Url::parse(&format!("http://{listen}"))?;
    check_public_url(&url).with_context(|| {
        format!("set public_url to where browsers reach this server; {listen} does not tell")
    })?;
    Ok(url)
}

fn check_public_url(url: &Url) -> anyhow::Result<()> {
    let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let encrypted = url.scheme() == "https";
    anyhow::ensure!(
        encrypted || url.scheme() == "http" && loopback,
        "public_url must start with https://; http:// is for loopback only"
    );
    anyhow::ensure!(
        url.path() == "/" && url.query().is_none() && url.fragment().is_none(),
        "public_url must be an origin without a path, such as https://connect.example.com"
    );
    Ok(())
}

#[cfg(test)]
mod tests;
