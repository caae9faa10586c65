use std::path::Path;

use super::{flags::OtlpFlags, *};

fn no_store_flags() -> StoreFlags {
    StoreFlags {
        config: None,
        database_url: None,
        data_dir: None,
        key_file: None,
        key_file_group_readable: false,
        log: None,
    }
}

fn no_flags() -> Flags {
    Flags {
        store: no_store_flags(),
        place: PlaceFlags::default(),
        catalog_dirs: None,
        allow_private_networks: None,
        extra_roots: None,
        metrics_token: None,
        otlp: OtlpFlags::default(),
        trusted_proxies: None,
        allowed_hosts: None,
        rates: RateFlags::default(),
        call_log: CallLogFlags::default(),
        node: None,
        sandbox: false,
        sandbox_listen: None,
    }
}

fn merged(file: &str) -> anyhow::Result<Config> {
    Config::merge(no_flags(), file::parse(file)?)
}

fn refusal(file: &str) -> String {
    format!("{:#}", merged(file).err().unwrap())
}

#[test]
fn it_runs_without_any_settings() {
    let config = merged("").unwrap();
    assert_eq!(config.place.listen.to_string(), "127.0.0.1:8787");
    assert_eq!(config.store.database, Database::Sqlite("data/astralform.db".into()));
    assert_eq!(config.store.key_file.path, Path::new("astralform.key"));
}

#[test]
fn the_simulated_services_run_when_asked_for() {
    assert_eq!(merged("").unwrap().sandbox, None);
    let sandbox = merged("sandbox = true").unwrap().sandbox.unwrap();
    assert_eq!(sandbox.to_string(), "127.0.0.1:8788");
}

#[test]
fn a_flag_wins_over_the_file() {
    let store = StoreFlags { log: Some("debug".to_owned()), ..no_store_flags() };
    let flags = Flags { store, ..no_flags() };
    let file = toml::from_str("log = 'warn'\nlisten = '127.0.0.1:9000'").unwrap();
    let config = Config::merge(flags, file).unwrap();
    assert_eq!(config.store.log, "debug");
    assert_eq!(config.place.listen.to_string(), "127.0.0.1:9000");
}

#[test]
fn an_entry_that_is_empty_counts_as_not_there() {
    let texts = [
        "listen",
        "public_url",
        "database_url",
        "data_dir",
        "key_file",
        "node",
        "metrics_token",
        "sandbox_listen",
        "log",
    ];
    let empty: String = texts.map(|name| format!("{name} = \"\"\n")).concat();
    let lists = "catalog_dirs = ['']\nallow_private_networks = ['']\ntrusted_proxies = ''\n";
    let config = merged(&format!("{empty}{lists}")).unwrap();
    assert_eq!(config.place.listen.to_string(), "127.0.0.1:8787");
    assert!(config.place.public_url.is_none() && config.node.is_none());
    assert!(config.metrics_token.is_none() && config.catalog_dirs.is_empty());
    assert_eq!(config.store.database, Database::Sqlite("data/astralform.db".into()));
    assert_eq!(config.store.key_file.path, Path::new("astralform.key"));
    assert_eq!(
        (config.store.log.as_str(), config.store.data_dir.as_path()),
        ("info", Path::new("data"))
    );
}

#[test]
fn commands_are_told_the_address_that_a_server_will_have() {
    let address = |file: &str| merged(file).unwrap().place.address();
    assert_eq!(address(""), "http://127.0.0.1:8787");
    assert_eq!(address("listen = 'localhost:9000'"), "http://127.0.0.1:9000");
    assert_eq!(address("listen = '0.0.0.0:9000'"), "http://127.0.0.1:8787");
    assert_eq!(address("public_url = 'https://a.example'"), "https://a.example");
}

#[test]
fn only_a_loopback_address_says_where_browsers_are() {
    let derived = |listen: &str| derived_public_url(listen.parse().unwrap());
    assert_eq!(derived("127.0.0.1:9000").unwrap().as_str(), "http://127.0.0.1:9000/");
    for listen in ["0.0.0.0:8787", "10.0.0.1:8787", "[::]:8787"] {
        let refused = format!("{:#}", derived(listen).unwrap_err());
        assert!(refused.contains("set public_url"), "{refused}");
    }
}

#[test]
fn settings_that_cannot_be_meant_are_refused_with_the_reason() {
    for (file, reason) in [
        ("lisen = '127.0.0.1:1'", "unknown field"),
        ("public_url = 'http://connect.example.com'", "must start with https://"),
        ("public_url = 'https://example.com/connect'", "without a path"),
        ("public_url = 'connect'", "is no address"),
        ("database_url = 'mysql://x'", "sqlite: or postgres://"),
        ("allow_private_networks = ['10.0.0.0/99']", "is no network"),
        ("extra_roots = ['/etc/ssl/corp.pem']", "is not HOST=FILE"),
        ("extra_roots = ['login.example=/no/such.pem']", "/no/such.pem cannot be read"),
        ("extra_roots = ['login.example=Cargo.toml']", "holds no certificate"),
        ("trusted_proxies = ['proxy.example']", "trusted_proxies: `proxy.example` is no network"),
        ("allowed_hosts = ['*.example.com']", "allowed_hosts: \"*.example.com\" is no host"),
        ("end_user_rate = 0", "must be 1 or more"),
        ("call_log_days = 0", "must be 1 or more"),
        ("call_log_gib = 0", "must be 1 or more"),
        ("listen = '8787'", "is no address to listen on"),
        ("database_url = 'sqlite::memory:'", "must be a file"),
        ("metrics_token = 'short'", "16 printable"),
        ("sandbox = true\nsandbox_listen = '0.0.0.0:8788'", "must be a loopback address"),
    ] {
        assert!(refusal(file).contains(reason), "{file}: {}", refusal(file));
    }
}

#[test]
fn private_authorities_are_trusted_for_the_hosts_named_beside_them() {
    let authority = "../egress/src/tests/tls/ca.pem";
    for hosts in ["login.example", "login.example,api.example", "login.example, 10.1.2.3"] {
        assert!(merged(&format!("extra_roots = ['{hosts}={authority}', '']")).is_ok(), "{hosts}");
    }
    let wrong = refusal(&format!("extra_roots = ['https://login.example={authority}']"));
    assert!(wrong.contains("name the host alone"), "{wrong}");
}
