//! The flags of commands, with their variables and help.

use std::path::PathBuf;

use clap::{Args, builder::BoolishValueParser};
use ipnet::IpNet;
use url::Url;

use super::values::{parse_network, parse_url};
use crate::config::Listen;

/// Where an installation keeps what it knows, by flag or variable.
#[derive(Args)]
pub(crate) struct StoreFlags {
    /// The settings file [default: astralform.toml, where there is one]
    #[arg(long, env = "ASTRALFORM_CONFIG", value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// sqlite:FILE or postgres://… [default: SQLite, in the data folder]
    #[arg(long, env = "ASTRALFORM_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub(super) database_url: Option<String>,
    /// Where the SQLite database is kept [default: ./data]
    #[arg(long, env = "ASTRALFORM_DATA_DIR", value_name = "FOLDER")]
    pub(super) data_dir: Option<PathBuf>,
    /// The file of the master keys, created on the first start [default: astralform.key among the
    /// credentials that systemd hands over, where it is there, or else ./astralform.key]
    #[arg(long, env = "ASTRALFORM_KEY_FILE", value_name = "FILE")]
    pub(super) key_file: Option<PathBuf>,
    /// Take a key file that its group may read too (mode 0440 or 0640), as Kubernetes mounts it
    #[arg(
        long,
        env = "ASTRALFORM_KEY_FILE_GROUP_READABLE",
        value_parser = BoolishValueParser::new()
    )]
    pub(super) key_file_group_readable: bool,
    /// What is logged, such as info or debug [default: info]
    #[arg(long, env = "ASTRALFORM_LOG", value_name = "FILTER")]
    pub(super) log: Option<String>,
}

/// Where a server is reached.
#[derive(Args, Default)]
pub(crate) struct PlaceFlags {
    /// The address to listen on, such as localhost:8787 [default: 127.0.0.1:8787]
    #[arg(long, env = "ASTRALFORM_LISTEN", value_name = "ADDRESS:PORT")]
    pub(super) listen: Option<Listen>,
    /// Where browsers and agents reach this server; links and redirect URIs start with it
    /// [default: the address listened on]
    #[arg(long, env = "ASTRALFORM_PUBLIC_URL", value_name = "URL", value_parser = parse_url)]
    pub(super) public_url: Option<Url>,
}

/// What else can be set of a server.
#[derive(Args)]
pub(crate) struct Flags {
    #[command(flatten)]
    pub(super) store: StoreFlags,
    #[command(flatten)]
    pub(super) place: PlaceFlags,
    /// A folder of connector folders, added to the built-in ones; may be given several times
    #[arg(
        long = "catalog",
        env = "ASTRALFORM_CATALOG_DIRS",
        value_name = "FOLDER",
        value_delimiter = ':'
    )]
    pub(super) catalog_dirs: Option<Vec<PathBuf>>,
    /// Private networks that connectors may reach, such as 10.1.0.0/16 [default: none]
    #[arg(
        long,
        env = "ASTRALFORM_ALLOW_PRIVATE_NETWORKS",
        value_name = "CIDR",
        value_delimiter = ',',
        value_parser = parse_network
    )]
    pub(super) allow_private_networks: Option<Vec<IpNet>>,
    /// Private authorities to trust, each for the hosts named before it alone, such as
    /// login.corp.example,api.corp.example=/etc/ssl/corp.pem [default: none]
    #[arg(long, env = "ASTRALFORM_EXTRA_ROOTS", value_name = "HOSTS=FILE", value_delimiter = ';')]
    pub(super) extra_roots: Option<Vec<String>>,
    /// The networks of the reverse proxies in front of this server, such as 10.0.0.0/8: their
    /// X-Forwarded-For or Forwarded says who calls [default: none]
    #[arg(
        long,
        env = "ASTRALFORM_TRUSTED_PROXIES",
        value_name = "CIDR",
        value_delimiter = ',',
        value_parser = parse_network
    )]
    pub(super) trusted_proxies: Option<Vec<IpNet>>,
    /// The names that this server is called by besides that of its public URL and localhost, such
    /// as connect.internal; addresses and networks too [default: none]
    #[arg(long, env = "ASTRALFORM_ALLOWED_HOSTS", value_name = "HOST", value_delimiter = ',')]
    pub(super) allowed_hosts: Option<Vec<String>>,
    #[command(flatten)]
    pub(super) rates: RateFlags,
    #[command(flatten)]
    pub(super) call_log: CallLogFlags,
    /// What this server is called among those that share a database; the same after a restart
    /// [default: the machine's name and the address listened on]
    #[arg(long, env = "ASTRALFORM_NODE", value_name = "NAME")]
    pub(super) node: Option<String>,
    /// What whoever reads /metrics must send as a bearer token [default: none; this machine alone
    /// may read them]
    #[arg(long, env = "ASTRALFORM_METRICS_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(super) metrics_token: Option<String>,
    #[command(flatten)]
    pub(super) otlp: OtlpFlags,
    /// Run the simulated services too, for connectors enabled with `sandbox`
    #[arg(long, env = "ASTRALFORM_SANDBOX", value_parser = BoolishValueParser::new())]
    pub(super) sandbox: bool,
    /// The loopback address of the simulated services [default: 127.0.0.1:8788]
    #[arg(long, env = "ASTRALFORM_SANDBOX_LISTEN", value_name = "ADDRESS:PORT")]
    pub(super) sandbox_listen: Option<Listen>,
}

/// For how long, and in how much room, the lines of tool calls are kept.
#[derive(Args, Default)]
pub(super) struct CallLogFlags {
    /// Days for which the lines of tool calls are kept [default: 90]
    #[arg(long = "call-log-days", env = "ASTRALFORM_CALL_LOG_DAYS", value_name = "DAYS")]
    pub(super) days: Option<u32>,
    /// GiB that the lines of tool calls may take: the oldest go first [default: 10]
    #[arg(long = "call-log-gib", env = "ASTRALFORM_CALL_LOG_GIB", value_name = "GIB")]
    pub(super) gib: Option<u32>,
}

/// Where the spans of tool calls are sent.
#[derive(Args, Default)]
pub(super) struct OtlpFlags {
    /// The OTLP/HTTP collector that gets a span of each tool call and of its parts: its whole
    /// address, with `/v1/traces` or what it has instead [default: none]
    #[arg(long = "otlp-url", env = "ASTRALFORM_OTLP_URL", value_name = "URL")]
    pub(super) url: Option<String>,
    /// A header that goes with them, such as `authorization: Bearer …` [default: none]
    #[arg(
        long = "otlp-header",
        env = "ASTRALFORM_OTLP_HEADER",
        value_name = "NAME: VALUE",
        hide_env_values = true
    )]
    pub(super) header: Option<String>,
}

/// What callers may ask for in a time.
#[derive(Args, Default)]
pub(super) struct RateFlags {
    /// Requests a second of one end user, with bursts of twice as many [default: 50]
    #[arg(long = "end-user-rate", env = "ASTRALFORM_END_USER_RATE", value_name = "REQUESTS")]
    pub(super) end_user: Option<u32>,
    /// Requests a second of one API key [default: its share of the server]
    #[arg(long = "key-rate", env = "ASTRALFORM_KEY_RATE", value_name = "REQUESTS")]
    pub(super) key: Option<u32>,
    /// Requests a second of one project [default: its share of the server]
    #[arg(long = "project-rate", env = "ASTRALFORM_PROJECT_RATE", value_name = "REQUESTS")]
    pub(super) project: Option<u32>,
}
