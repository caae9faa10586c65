use astralform_catalog::{builtin, load};
use astralform_domain::{
    Endpoints, HostSet, OauthClient, ProjectConnectorId, ProjectConnectorState, ProjectId, Sealed,
    Tenant,
};

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// What a case changes of a connector with which nothing is wrong.
struct Case {
    settings: ProjectConnector,
    environment: EnvironmentSettings,
    is_frozen: bool,
    public_url: &'static str,
    returns: Returns,
    lacks_refresh_token: bool,
    provider_time: Option<Timestamp>,
}

fn sound() -> Case {
    let tenant = Tenant { project: ProjectId::from_bytes([0; 16]), environment: Environment::Live };
    let client = OauthClient {
        id: "app".to_owned(),
        secret: Sealed::from_bytes(vec![1]),
        hint: "…cret".to_owned(),
        set_at: NOW,
        previous: None,
        rejected_at: None,
    };
    let settings = ProjectConnector {
        id: ProjectConnectorId::from_bytes([0; 16]),
        tenant,
        connector: "slack".parse().unwrap(),
        state: ProjectConnectorState::Enabled,
        require_auth: true,
        allow_end_user_auth: true,
        scopes: None,
        tools: Some(vec!["slack_list_channels".parse().unwrap()]),
        endpoints: Endpoints::default(),
        sandbox: false,
        client: Some(client),
        hosts: HostSet::default(),
        generation: 1,
        version: 1,
        created_at: NOW,
    };
    let environment = EnvironmentSettings {
        verify_end_user: VerifyEndUser::Confirm,
        return_urls: vec!["https://app.example.com/done".to_owned()],
        allowed_origins: Vec::new(),
    };
    Case {
        settings,
        environment,
        is_frozen: false,
        public_url: "https://connectors.example.com",
        returns: Returns { never: 1, came_back: 3 },
        lacks_refresh_token: false,
        provider_time: Some(NOW),
    }
}

fn codes(change: impl FnOnce(&mut Case)) -> Vec<&'static str> {
    let mut case = sound();
    change(&mut case);
    let catalog = load(builtin().iter().copied()).0;
    let connector = catalog.connector(&case.settings.connector).unwrap();
    let asked = case.settings.scopes.clone().unwrap_or_else(|| connector.default_scopes());
    let found = findings(&Facts {
        settings: &case.settings,
        connector,
        requested_scopes: &asked,
        environment: &case.environment,
        is_frozen: case.is_frozen,
        public_url: &case.public_url.parse().unwrap(),
        redirect_uri: "https://connectors.example.com/callback",
        returns: case.returns,
        lacks_refresh_token: case.lacks_refresh_token,
        now: NOW,
        provider_time: case.provider_time,
    });
    for finding in &found {
        assert!(finding.why().len() > 10 && finding.fix().len() > 10, "{finding:?}");
    }
    found.iter().map(Finding::code).collect()
}

#[test]
fn the_documentation_has_a_row_for_each_finding() {
    let document = include_str!("../../../../../docs/troubleshooting.md");
    for finding in [
        Finding::Frozen,
        Finding::Paused,
        Finding::NoReturnUrl,
        Finding::EndUsersNotVerified,
        Finding::PublicUrlNotPublic(String::new()),
        Finding::ClockOff(Duration::ZERO),
        Finding::ScopesNotAsked { scopes: ScopeSet::default(), tools: Vec::new() },
        Finding::ScopesNotNeeded(ScopeSet::default()),
        Finding::NoRefreshToken,
        Finding::OldCredentials(NOW),
        Finding::NeverReturned { prompts: 2, redirect_uri: String::new() },
    ] {
        let row = format!("| `{}` | {} |", finding.code(), finding.severity().as_str());
        assert!(document.contains(&row), "docs/troubleshooting.md lacks {row}");
    }
}

#[test]
fn nothing_is_wrong_with_a_connector_that_works() {
    assert_eq!(codes(|_| {}), <[&str; 0]>::default());
    assert_eq!(codes(|case| case.provider_time = None), <[&str; 0]>::default());
}

type Change = fn(&mut Case);

#[test]
fn each_thing_that_is_wrong_is_found() {
    let ten_minutes = Duration::from_mins(10);
    let cases: [(&str, Change); 8] = [
        ("frozen", |case| case.is_frozen = true),
        ("connector_paused", |case| case.settings.state = ProjectConnectorState::Paused),
        ("no_return_url", |case| case.environment.return_urls.clear()),
        ("end_users_not_verified", |case| case.environment.verify_end_user = VerifyEndUser::Off),
        ("public_url_not_public", |case| case.public_url = "http://127.0.0.1:8787"),
        ("no_refresh_token", |case| case.lacks_refresh_token = true),
        ("redirect_never_returned", |case| case.returns = Returns { never: 2, came_back: 0 }),
        ("old_credentials", |case| {
            case.settings.client.as_mut().unwrap().set_at = NOW.before(OLD);
        }),
    ];
    for (expected, change) in cases {
        assert_eq!(codes(change), [expected]);
    }
    for theirs in [NOW.after(ten_minutes), NOW.before(ten_minutes)] {
        assert_eq!(codes(|case| case.provider_time = Some(theirs)), ["clock_off"]);
    }
    let close = NOW.after(Duration::from_secs(30));
    assert_eq!(codes(|case| case.provider_time = Some(close)), <[&str; 0]>::default());
}

#[test]
fn scopes_that_tools_lack_and_scopes_that_none_needs_are_told_apart() {
    let scopes = |text: &str| Some(text.split(' ').collect::<ScopeSet>());
    let lacking = codes(|case| {
        case.settings.tools = Some(vec!["slack_send_message".parse().unwrap()]);
        case.settings.scopes = scopes("channels:read");
    });
    assert_eq!(lacking, ["scopes_not_asked"]);
    let idle = codes(|case| case.settings.scopes = scopes("channels:read files:read"));
    assert_eq!(idle, ["scopes_not_needed"]);
}

#[test]
fn one_person_who_thought_better_of_it_is_no_wrong_redirect_uri() {
    let none = <[&str; 0]>::default();
    assert_eq!(codes(|case| case.returns = Returns { never: 1, came_back: 0 }), none);
    assert_eq!(codes(|case| case.returns = Returns { never: 50, came_back: 1 }), none);
}

#[test]
fn in_the_sandbox_neither_clocks_nor_old_secrets_matter() {
    let found = codes(|case| {
        case.settings.sandbox = true;
        case.settings.client.as_mut().unwrap().set_at = NOW.before(OLD);
        case.provider_time = Some(NOW.after(Duration::from_hours(9)));
    });
    assert_eq!(found, <[&str; 0]>::default());
}
