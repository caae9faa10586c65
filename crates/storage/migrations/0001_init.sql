-- Columns are TEXT, BIGINT, BOOLEAN and BYTEA: the types that SQLite and PostgreSQL share.
-- Times are microseconds since 1970. Sealed columns hold envelopes of the vault, never plain text.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE teams (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE members (
    id         TEXT PRIMARY KEY,
    email      TEXT NOT NULL UNIQUE, -- in lower case
    created_at BIGINT NOT NULL
);

CREATE TABLE memberships (
    team_id    TEXT NOT NULL REFERENCES teams (id),
    member_id  TEXT NOT NULL REFERENCES members (id),
    role       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (team_id, member_id)
);

CREATE TABLE admin_tokens (
    id          TEXT PRIMARY KEY,
    member_id   TEXT NOT NULL REFERENCES members (id),
    name        TEXT NOT NULL,
    access      TEXT NOT NULL,
    secret_hash BYTEA NOT NULL, -- SHA-256
    hint        TEXT NOT NULL,
    tag         BYTEA, -- what the master key vouches for; NULL once it is revoked
    created_at  BIGINT NOT NULL,
    created_by  TEXT NOT NULL, -- an id that says of what, or a word
    expires_at  BIGINT,
    used_at     BIGINT,
    revoked_at  BIGINT
);

CREATE INDEX admin_tokens_by_end ON admin_tokens (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE INDEX admin_tokens_by_expiry ON admin_tokens (expires_at) WHERE expires_at IS NOT NULL;

CREATE INDEX admin_tokens_by_member ON admin_tokens (member_id);

CREATE TABLE projects (
    id          TEXT PRIMARY KEY,
    team_id     TEXT NOT NULL REFERENCES teams (id),
    name        TEXT NOT NULL,
    accent      TEXT NOT NULL,
    privacy_url TEXT,
    support_url TEXT,
    version     BIGINT NOT NULL, -- counts the changes of what stands above
    frozen_at   BIGINT, -- set by an operator: until it is lifted, nothing is called or asked
    created_at  BIGINT NOT NULL,
    deleted_at  BIGINT
);

CREATE INDEX projects_by_team ON projects (team_id);

CREATE INDEX projects_by_end ON projects (deleted_at) WHERE deleted_at IS NOT NULL;

-- The logos of applications, as they are served.
CREATE TABLE project_logos (
    project_id TEXT PRIMARY KEY REFERENCES projects (id),
    png        BYTEA NOT NULL,
    digest     TEXT NOT NULL -- of the picture: part of its address
);

-- The keys of projects and of the installation, each wrapped with a master key.
CREATE TABLE data_keys (
    id         BYTEA PRIMARY KEY, -- in front of everything that it sealed
    project_id TEXT REFERENCES projects (id), -- NULL: of the installation
    role       TEXT NOT NULL,
    role_since BIGINT NOT NULL,
    is_leaving BOOLEAN NOT NULL, -- what it sealed is being sealed anew
    envelope   BYTEA NOT NULL -- wrapped with the master key whose fingerprint it starts with
);

-- One seals, one is about to, one makes tags; those that sealed before are kept beside them.
CREATE UNIQUE INDEX data_keys_by_role
    ON data_keys (COALESCE(project_id, ''), role)
    WHERE role <> 'older';

CREATE INDEX data_keys_by_project ON data_keys (project_id);

CREATE TABLE environments (
    project_id      TEXT NOT NULL REFERENCES projects (id),
    environment     TEXT NOT NULL,
    verify_end_user TEXT NOT NULL,
    return_urls     TEXT NOT NULL, -- a JSON array
    allowed_origins TEXT NOT NULL, -- a JSON array
    version         BIGINT NOT NULL, -- counts the changes
    tag             BYTEA, -- as of an admin token; NULL for what every environment begins with
    PRIMARY KEY (project_id, environment)
);

-- The few that pages of browsers call.
CREATE INDEX environments_with_origins
    ON environments (project_id)
    WHERE allowed_origins <> '[]';

CREATE TABLE agents (
    id         TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    name       TEXT NOT NULL,
    is_default BOOLEAN NOT NULL,
    is_enabled BOOLEAN NOT NULL,
    connectors TEXT, -- a JSON array of assignments; NULL means all
    version    BIGINT NOT NULL, -- counts the changes
    created_at BIGINT NOT NULL,
    deleted_at BIGINT
);

-- A name is that of one agent; those that were deleted stand beside it.
CREATE UNIQUE INDEX agents_by_name ON agents (project_id, name) WHERE deleted_at IS NULL;

CREATE INDEX agents_by_end ON agents (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE api_keys (
    id          TEXT PRIMARY KEY,
    project_id  TEXT NOT NULL REFERENCES projects (id),
    environment TEXT NOT NULL,
    name        TEXT NOT NULL,
    agent_id    TEXT REFERENCES agents (id),
    connectors  TEXT, -- a JSON array of slugs; NULL means all of its agent's
    secret_hash BYTEA NOT NULL, -- SHA-256
    hint        TEXT NOT NULL,
    tag         BYTEA, -- as of an admin token
    created_at  BIGINT NOT NULL,
    created_by  TEXT NOT NULL, -- as of an admin token
    expires_at  BIGINT,
    used_at     BIGINT,
    revoked_at  BIGINT
);

CREATE INDEX api_keys_by_project ON api_keys (project_id, environment);

CREATE INDEX api_keys_by_agent ON api_keys (agent_id) WHERE agent_id IS NOT NULL;

CREATE INDEX api_keys_by_end ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE INDEX api_keys_by_expiry ON api_keys (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE end_users (
    id          TEXT PRIMARY KEY,
    project_id  TEXT NOT NULL REFERENCES projects (id),
    environment TEXT NOT NULL,
    external_id TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    UNIQUE (project_id, environment, external_id)
);

CREATE TABLE sessions (
    id          TEXT PRIMARY KEY,
    project_id  TEXT NOT NULL REFERENCES projects (id),
    environment TEXT NOT NULL,
    agent_id    TEXT NOT NULL REFERENCES agents (id),
    end_user    TEXT NOT NULL, -- the developer's own id
    connectors  TEXT, -- a JSON array of slugs; NULL means all of the agent's
    tools       TEXT, -- a JSON array; NULL means all of the agent's
    secret_hash BYTEA NOT NULL, -- SHA-256
    tag         BYTEA, -- as of an admin token
    expires_at  BIGINT NOT NULL,
    created_at  BIGINT NOT NULL
);

CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE INDEX sessions_by_agent ON sessions (agent_id);

CREATE TABLE project_connectors (
    id                           TEXT PRIMARY KEY,
    project_id                   TEXT NOT NULL REFERENCES projects (id),
    environment                  TEXT NOT NULL,
    connector                    TEXT NOT NULL,
    is_enabled                   BOOLEAN NOT NULL,
    require_auth                 BOOLEAN NOT NULL,
    allow_end_user_auth          BOOLEAN NOT NULL,
    scopes                       TEXT, -- a JSON array; NULL means the connector's minimum
    tools                        TEXT, -- a JSON array; NULL means all
    endpoints                    TEXT NOT NULL, -- a JSON object
    sandbox                      BOOLEAN NOT NULL,
    client_id                    TEXT,
    client_secret                BYTEA, -- sealed
    client_secret_hint           TEXT,
    client_secret_set_at         BIGINT,
    previous_client_secret       BYTEA, -- sealed, of the generation before
    previous_client_secret_until BIGINT,
    client_rejected_at           BIGINT, -- since when the provider refuses the app
    hosts                        TEXT NOT NULL, -- a JSON array
    generation                   BIGINT NOT NULL,
    version                      BIGINT NOT NULL,
    created_at                   BIGINT NOT NULL,
    disabled_at                  BIGINT
);

-- A connector is enabled once; those that were disabled stand beside it.
CREATE UNIQUE INDEX project_connectors_by_slug
    ON project_connectors (project_id, environment, connector)
    WHERE disabled_at IS NULL;

-- Whether a project that was deleted has any left.
CREATE INDEX project_connectors_by_project ON project_connectors (project_id);

CREATE INDEX project_connectors_by_end
    ON project_connectors (disabled_at)
    WHERE disabled_at IS NOT NULL;

CREATE TABLE connections (
    id                   TEXT PRIMARY KEY,
    project_id           TEXT NOT NULL REFERENCES projects (id),
    environment          TEXT NOT NULL,
    project_connector_id TEXT NOT NULL REFERENCES project_connectors (id),
    end_user_id          TEXT REFERENCES end_users (id), -- NULL: the project's, shared by all
    account_id           TEXT NOT NULL,
    account_label        TEXT NOT NULL,
    label                TEXT,
    is_default           BOOLEAN NOT NULL,
    status               TEXT NOT NULL,
    reason               TEXT,
    scopes               TEXT NOT NULL, -- a JSON array
    hosts                TEXT NOT NULL, -- a JSON array
    created_at           BIGINT NOT NULL,
    previous_status      TEXT, -- NULL until the status changes
    status_changes       BIGINT NOT NULL DEFAULT 1, -- how many there were, the first one included
    last_change          BYTEA, -- names the last change, which may be one of many connections
    ended_at             BIGINT -- when it was revoked
);

CREATE INDEX connections_by_change ON connections (last_change);

CREATE INDEX connections_by_end ON connections (ended_at) WHERE ended_at IS NOT NULL;

-- An account is connected once; a connection that still awaits confirmation stands beside it.
CREATE UNIQUE INDEX connections_by_account
    ON connections (project_connector_id, COALESCE(end_user_id, ''), account_id)
    WHERE status IN ('active', 'needs_reauth');

-- One of an owner's connections is the one meant by calls that name none.
CREATE UNIQUE INDEX connections_default
    ON connections (project_connector_id, COALESCE(end_user_id, ''))
    WHERE is_default AND status IN ('active', 'needs_reauth');

-- Who else has the same account, when one of them ends.
CREATE INDEX connections_of_account
    ON connections (project_connector_id, account_id)
    WHERE status <> 'revoked';

CREATE INDEX connections_by_owner
    ON connections (project_connector_id, end_user_id);

-- What a project shares.
CREATE INDEX connections_shared
    ON connections (project_id, environment, project_connector_id)
    WHERE end_user_id IS NULL;

CREATE INDEX connections_by_end_user
    ON connections (end_user_id);

-- For whoever administers, page by page.
CREATE INDEX connections_by_tenant
    ON connections (project_id, environment, id);

CREATE TABLE tokens (
    connection_id TEXT NOT NULL REFERENCES connections (id),
    kind          TEXT NOT NULL,
    generation    BIGINT NOT NULL,
    access_token  BYTEA NOT NULL, -- sealed
    refresh_token BYTEA, -- sealed
    expires_at    BIGINT,
    scopes        TEXT NOT NULL, -- a JSON array
    written_at    BIGINT NOT NULL,
    refresh_at    BIGINT, -- when it is to be refreshed ahead of its end
    in_doubt      BOOLEAN NOT NULL, -- the refresh token may have been used up already
    asked_at      BIGINT, -- when its provider was last asked whether it is dead
    refused_since BIGINT, -- since when the provider says so, without a success in between
    PRIMARY KEY (connection_id, kind)
);

CREATE INDEX tokens_by_refresh ON tokens (refresh_at) WHERE refresh_at IS NOT NULL;

-- Refreshes that are under way or are to be tried again, one for each token.
CREATE TABLE refreshes (
    connection_id TEXT NOT NULL REFERENCES connections (id),
    kind          TEXT NOT NULL,
    generation    BIGINT NOT NULL, -- of the token that is to be replaced
    fence         BIGINT NOT NULL, -- counts the holders
    node          TEXT NOT NULL, -- the process that holds it, or held it last
    lease_until   BIGINT NOT NULL, -- by the database's clock
    is_sent       BOOLEAN NOT NULL, -- the refresh token is with the provider, its answer not here
    answer        BYTEA, -- sealed; what the provider answered
    failures      BIGINT NOT NULL, -- in a row
    not_before    BIGINT NOT NULL, -- by the database's clock
    refused_since BIGINT, -- since when the provider refuses it in words that may mean anything
    PRIMARY KEY (connection_id, kind)
);

CREATE INDEX refreshes_by_lease ON refreshes (lease_until);

-- The processes that share the database. Two of one name are told apart by `process`.
CREATE TABLE nodes (
    process TEXT PRIMARY KEY,
    name    TEXT NOT NULL,
    seen_at BIGINT NOT NULL, -- by the database's clock
    told_at BIGINT NOT NULL, -- by the process's own clock
    catalog TEXT NOT NULL -- the fingerprint of the connectors that it serves
);

-- When connections were last used.
CREATE TABLE connection_uses (
    connection_id TEXT PRIMARY KEY REFERENCES connections (id),
    used_at       BIGINT NOT NULL
);

CREATE INDEX connection_uses_by_time ON connection_uses (used_at);

-- What happened to connections. The same thing several times in a row is one row.
CREATE TABLE connection_events (
    connection_id   TEXT NOT NULL REFERENCES connections (id),
    number          BIGINT NOT NULL, -- the next of its connection; those written at once share one
    mark            BIGINT NOT NULL, -- random: tells those apart
    kind            TEXT NOT NULL,
    at              BIGINT NOT NULL,
    last_at         BIGINT NOT NULL,
    times           BIGINT NOT NULL,
    old_status      TEXT,
    new_status      TEXT, -- of the connection
    reason          TEXT, -- of the status, or of the prompt
    auth_request_id TEXT, -- the last prompt, which may be gone
    agent_id        TEXT, -- who asked for it
    prompt_status   TEXT,
    failure         TEXT, -- of the refresh, or of the prompt
    PRIMARY KEY (connection_id, number, mark)
);

CREATE INDEX connection_events_by_time ON connection_events (last_at);

CREATE TABLE auth_requests (
    id                   TEXT PRIMARY KEY,
    project_id           TEXT NOT NULL REFERENCES projects (id),
    environment          TEXT NOT NULL,
    project_connector_id TEXT NOT NULL REFERENCES project_connectors (id),
    end_user_id          TEXT REFERENCES end_users (id), -- NULL: for an account all will share
    agent_id             TEXT NOT NULL REFERENCES agents (id),
    asks_for             TEXT NOT NULL, -- account and scopes: what makes two requests the same
    renews               TEXT REFERENCES connections (id),
    reason               TEXT NOT NULL,
    required_scopes      TEXT NOT NULL, -- a JSON array
    granted_scopes       TEXT NOT NULL, -- a JSON array
    account_hint         TEXT,
    return_url           TEXT,
    status               TEXT NOT NULL,
    failure              TEXT,
    provider_error       TEXT, -- a JSON object: what the provider said of it
    expires_at           BIGINT NOT NULL,
    latest_end           BIGINT NOT NULL, -- of waiting for a click, however often there is one
    attempts             BIGINT NOT NULL, -- clicks, or keys that were entered
    connection_id        TEXT REFERENCES connections (id),
    created_at           BIGINT NOT NULL,
    last_change          BYTEA -- names the last change, which may be one of many requests
);

CREATE INDEX auth_requests_by_change ON auth_requests (last_change);

-- One open request per owner, connector, account and scope set.
CREATE UNIQUE INDEX auth_requests_open
    ON auth_requests (project_connector_id, COALESCE(end_user_id, ''), asks_for)
    WHERE status IN ('pending', 'awaiting_confirmation');

CREATE INDEX auth_requests_by_expiry
    ON auth_requests (expires_at)
    WHERE status IN ('pending', 'awaiting_confirmation');

-- How many are open, of an environment, and what an end user has.
CREATE INDEX auth_requests_by_tenant
    ON auth_requests (project_id, environment)
    WHERE status IN ('pending', 'awaiting_confirmation');

-- What was kept for its term.
CREATE INDEX auth_requests_by_end
    ON auth_requests (expires_at)
    WHERE status NOT IN ('pending', 'awaiting_confirmation');

-- Whether anything is left of what they refer to.
CREATE INDEX auth_requests_by_end_user ON auth_requests (end_user_id, id);

CREATE INDEX auth_requests_by_agent ON auth_requests (agent_id);

CREATE INDEX auth_requests_by_project_connector ON auth_requests (project_connector_id);

CREATE INDEX auth_requests_by_connection
    ON auth_requests (connection_id)
    WHERE connection_id IS NOT NULL;

CREATE INDEX auth_requests_by_renewed ON auth_requests (renews) WHERE renews IS NOT NULL;

CREATE TABLE oauth_states (
    state_hash      BYTEA PRIMARY KEY, -- SHA-256 of the state
    auth_request_id TEXT NOT NULL REFERENCES auth_requests (id),
    browser_hash    BYTEA NOT NULL, -- SHA-256 of the cookie
    code_verifier   BYTEA NOT NULL, -- sealed
    redirect_uri    TEXT NOT NULL,
    issuer          TEXT,
    generation      BIGINT NOT NULL, -- of the project connector the flow was started with
    expires_at      BIGINT NOT NULL,
    used_at         BIGINT, -- when the browser came back; no other time counts
    is_settled      BOOLEAN NOT NULL, -- what the browser brought has taken effect
    connection_id   TEXT, -- what it led to and awaits confirmation, or did
    tag             BYTEA -- what the project's key vouches for: that it led there, in that browser
);

CREATE INDEX oauth_states_by_expiry ON oauth_states (expires_at);

CREATE INDEX oauth_states_by_request ON oauth_states (auth_request_id);

-- What has changed lately, so that nodes forget what they remember of it.
CREATE TABLE changes (
    id         BYTEA PRIMARY KEY,
    topics     BYTEA NOT NULL, -- digests of 4 bytes each
    written_at BIGINT NOT NULL
);

CREATE INDEX changes_by_age ON changes (written_at);

-- Answers to requests that carried an Idempotency-Key.
CREATE TABLE idempotent_requests (
    id             TEXT PRIMARY KEY, -- a digest of the key and of all that it is scoped to
    project_id     TEXT NOT NULL REFERENCES projects (id),
    environment    TEXT NOT NULL,
    request_digest BYTEA NOT NULL, -- SHA-256 of the body
    answer         BYTEA, -- sealed; NULL while the request is under way
    created_at     BIGINT NOT NULL
);

CREATE INDEX idempotent_requests_by_age ON idempotent_requests (created_at);

-- What is to be ended at providers, and the receipts: one for each ended connection that had tokens.
CREATE TABLE revocations (
    connection_id        TEXT PRIMARY KEY REFERENCES connections (id),
    project_id           TEXT NOT NULL REFERENCES projects (id),
    environment          TEXT NOT NULL,
    project_connector_id TEXT NOT NULL REFERENCES project_connectors (id),
    connector            TEXT NOT NULL,
    status               TEXT NOT NULL,
    attempts             BIGINT NOT NULL,
    requested_at         BIGINT NOT NULL,
    next_attempt_at      BIGINT NOT NULL, -- while one is under way, the end of its lease
    last_error           TEXT,
    finished_at          BIGINT
);

CREATE INDEX revocations_due
    ON revocations (project_connector_id, next_attempt_at)
    WHERE status = 'pending';

CREATE INDEX revocations_by_project ON revocations (project_id, connection_id);

CREATE INDEX revocations_by_connector ON revocations (project_connector_id);

-- Providers that are left alone for a while, because they are down or said so.
CREATE TABLE revocation_pauses (
    project_connector_id TEXT PRIMARY KEY REFERENCES project_connectors (id),
    failures             BIGINT NOT NULL, -- in a row
    paused_until         BIGINT NOT NULL
);

-- Where environments are told what happens to their connections.
CREATE TABLE webhooks (
    id                    TEXT PRIMARY KEY,
    project_id            TEXT NOT NULL REFERENCES projects (id),
    environment           TEXT NOT NULL,
    url                   TEXT NOT NULL,
    hosts                 TEXT NOT NULL, -- a JSON array
    secret                BYTEA NOT NULL, -- sealed
    generation            BIGINT NOT NULL,
    previous_secret       BYTEA, -- sealed, of the generation before
    previous_secret_until BIGINT,
    disabled              TEXT, -- why; NULL while it is not
    failing_since         BIGINT,
    created_at            BIGINT NOT NULL
);

CREATE INDEX webhooks_by_tenant ON webhooks (project_id, environment);

-- Events on their way to a webhook, and for a week those that arrived or did not. They refer to
-- nothing: no change of a connection fails because somebody deletes a webhook at the same time.
CREATE TABLE webhook_deliveries (
    event_id        TEXT NOT NULL,
    webhook_id      TEXT NOT NULL,
    project_id      TEXT NOT NULL,
    environment     TEXT NOT NULL,
    connection_id   TEXT, -- NULL: a member tries the webhook
    connector       TEXT,
    end_user        TEXT, -- the developer's own id
    old_status      TEXT,
    new_status      TEXT,
    reason          TEXT,
    sequence        BIGINT NOT NULL, -- among the changes of the connection
    occurred_at     BIGINT NOT NULL,
    status          TEXT NOT NULL,
    attempts        BIGINT NOT NULL,
    due_at          BIGINT NOT NULL, -- while it is tried, the end of the lease
    answered        BIGINT, -- the HTTP status of the last answer
    failure         TEXT, -- of the last attempt
    ended_at        BIGINT,
    reconnect       TEXT, -- the auth request whose link it carries
    reconnect_until BIGINT,
    PRIMARY KEY (webhook_id, event_id)
);

CREATE INDEX webhook_deliveries_due
    ON webhook_deliveries (webhook_id, due_at)
    WHERE status = 'pending';

-- Whether something of the same connection is to be delivered first.
CREATE INDEX webhook_deliveries_before
    ON webhook_deliveries (webhook_id, connection_id, sequence)
    WHERE status = 'pending';

CREATE INDEX webhook_deliveries_by_time
    ON webhook_deliveries (webhook_id, occurred_at, event_id);

CREATE INDEX webhook_deliveries_by_end
    ON webhook_deliveries (ended_at)
    WHERE ended_at IS NOT NULL;

-- What was done and by whom, in chains: each entry vouches for the one before it.
CREATE TABLE audit_entries (
    chain       TEXT NOT NULL, -- the id of a project or team, or `installation`
    number      BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    actor       TEXT NOT NULL, -- as of an admin token
    action      TEXT NOT NULL,
    environment TEXT,
    subject     TEXT NOT NULL, -- what it was done to
    end_user    TEXT, -- a pseudonym
    details     TEXT NOT NULL, -- a JSON object: what was so before and after
    request_id  TEXT,
    address     TEXT,
    mac         BYTEA NOT NULL,
    PRIMARY KEY (chain, number)
);

CREATE INDEX audit_entries_by_age ON audit_entries (at, chain);

-- What is about an end user.
CREATE INDEX audit_entries_by_end_user
    ON audit_entries (chain, end_user)
    WHERE end_user IS NOT NULL;

-- The end of each chain, and where it begins since older entries were removed.
CREATE TABLE audit_heads (
    chain        TEXT PRIMARY KEY,
    number       BIGINT NOT NULL, -- of its last entry
    mac          BYTEA NOT NULL, -- of its last entry
    tag          BYTEA NOT NULL, -- what the chain's key vouches for: both
    removed      BIGINT NOT NULL, -- the number of the last entry that was removed; 0 while none was
    removed_mac  BYTEA NOT NULL, -- its MAC
    removed_tag  BYTEA NOT NULL -- what the chain's key vouches for: both
);

-- The end users behind pseudonyms, until they are deleted.
CREATE TABLE audit_names (
    project_id TEXT NOT NULL REFERENCES projects (id),
    pseudonym  TEXT NOT NULL,
    end_user   TEXT NOT NULL, -- the developer's own id
    PRIMARY KEY (project_id, pseudonym)
);

-- What is to be removed from the call log, which is a store of its own.
CREATE TABLE call_erasures (
    project_id  TEXT NOT NULL,
    environment TEXT NOT NULL,
    end_user    TEXT NOT NULL, -- the developer's own id; empty: all of them
    until       BIGINT NOT NULL, -- of calls that had begun by then
    due_at      BIGINT NOT NULL, -- once at once, and once when no such line can come any more
    PRIMARY KEY (project_id, environment, end_user)
);

CREATE INDEX call_erasures_due ON call_erasures (due_at);
