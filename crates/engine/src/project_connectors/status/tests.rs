use astralform_domain::{
    Account, ConnectionId, ConnectionState, Endpoints, HostSet, ProjectConnectorId,
    ProjectConnectorState, ScopeSet, StatusReason, Timestamp,
};

use super::*;

fn settings(allow_end_user_auth: bool) -> ProjectConnector {
    let project = ProjectId::from_bytes([0; 16]);
    ProjectConnector {
        id: ProjectConnectorId::from_bytes([0; 16]),
        tenant: Tenant { project, environment: Environment::Live },
        connector: "chat".parse().unwrap(),
        state: ProjectConnectorState::Enabled,
        require_auth: true,
        allow_end_user_auth,
        scopes: None,
        tools: None,
        endpoints: Endpoints::default(),
        sandbox: false,
        client: None,
        hosts: HostSet::default(),
        generation: 1,
        version: 1,
        created_at: Timestamp::from_secs(0),
    }
}

fn shared(state: ConnectionState) -> Connection {
    let settings = settings(false);
    Connection {
        id: ConnectionId::from_bytes([1; 16]),
        tenant: settings.tenant,
        project_connector: settings.id,
        owner: Owner::Project,
        account: Account { id: "acc".to_owned(), label: "acc".to_owned() },
        label: None,
        is_default: true,
        state,
        scopes: ScopeSet::default(),
        hosts: HostSet::default(),
        created_at: Timestamp::from_secs(0),
    }
}

#[test]
fn the_first_thing_that_is_wrong_is_the_status() {
    use ConnectorType::{ApiKey, Oauth};
    let works = shared(ConnectionState::ACTIVE);
    let dead = shared(ConnectionState::NeedsReauth(StatusReason::TokenRejected));
    for (usable, allow, shared, lacks_return_url, expected) in [
        (Ok(Oauth), true, vec![], false, ProjectConnectorStatus::Ready),
        (Ok(Oauth), true, vec![], true, ProjectConnectorStatus::Misconfigured),
        (Ok(ApiKey), false, vec![works.clone()], true, ProjectConnectorStatus::Ready),
        (Ok(ApiKey), false, vec![dead.clone()], true, ProjectConnectorStatus::NeedsCredentials),
        (Ok(Oauth), false, vec![dead.clone()], false, ProjectConnectorStatus::NeedsCredentials),
        (Ok(Oauth), false, vec![], false, ProjectConnectorStatus::NeedsCredentials),
        (Ok(ApiKey), true, vec![dead.clone()], false, ProjectConnectorStatus::Ready),
        (Err(Unusable::Paused), true, vec![], true, ProjectConnectorStatus::Paused),
        (
            Err(Unusable::NeedsCredentials),
            true,
            vec![],
            false,
            ProjectConnectorStatus::NeedsCredentials,
        ),
        (
            Err(Unusable::Misconfigured),
            true,
            vec![works],
            false,
            ProjectConnectorStatus::Misconfigured,
        ),
    ] {
        let (status, reason) = status(&settings(allow), usable, &shared, lacks_return_url);
        assert_eq!(status, expected);
        assert_eq!(reason.is_none(), status == ProjectConnectorStatus::Ready);
    }
}

#[test]
fn what_the_project_shares_matters_wherever_it_may_pay() {
    let dead = shared(ConnectionState::NeedsReauth(StatusReason::TokenRejected));
    for kind in [ConnectorType::ApiKey, ConnectorType::Oauth] {
        for (require_auth, shared, expected) in [
            (false, vec![dead.clone()], ProjectConnectorStatus::NeedsCredentials),
            (true, vec![dead.clone()], ProjectConnectorStatus::Ready),
            (false, vec![], ProjectConnectorStatus::Ready),
            (false, vec![shared(ConnectionState::ACTIVE)], ProjectConnectorStatus::Ready),
        ] {
            let settings = ProjectConnector { require_auth, ..settings(true) };
            let (status, reason) = status(&settings, Ok(kind), &shared, false);
            assert_eq!(
                (status, reason.is_none()),
                (expected, expected == ProjectConnectorStatus::Ready)
            );
        }
    }
}
