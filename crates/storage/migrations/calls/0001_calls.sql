-- The call log, in a store of its own. On PostgreSQL `calls` has a partition for each day.

-- A line for each tool call. Times are microseconds.
CREATE TABLE calls (
    id            TEXT NOT NULL,
    project_id    TEXT NOT NULL,
    environment   TEXT NOT NULL,
    at            BIGINT NOT NULL, -- when it ended
    took          BIGINT NOT NULL,
    request_id    TEXT,
    connector     TEXT,
    tool          TEXT NOT NULL,
    agent_id      TEXT NOT NULL,
    end_user      TEXT, -- of `call_end_users`
    actor         TEXT NOT NULL, -- the id of an API key or a session
    connection_id TEXT,
    outcome       TEXT NOT NULL,
    reason        TEXT,
    status        BIGINT,
    attempts      BIGINT NOT NULL,
    authenticate  BIGINT NOT NULL,
    credential    BIGINT NOT NULL,
    plan          BIGINT NOT NULL,
    provider      BIGINT NOT NULL,
    first_byte    BIGINT,
    shape         BIGINT NOT NULL,
    summary       TEXT
); -- by RANGE (at);

CREATE INDEX calls_by_time ON calls (project_id, environment, at, id);

CREATE INDEX calls_by_end_user ON calls (end_user, at, id) WHERE end_user IS NOT NULL;

-- The end users whom lines are about, by ids that are of this log alone: without this row, nobody
-- knows whom a line is about.
CREATE TABLE call_end_users (
    id          TEXT PRIMARY KEY,
    project_id  TEXT NOT NULL,
    environment TEXT NOT NULL,
    end_user    TEXT NOT NULL, -- the developer's own id
    seen_at     BIGINT NOT NULL,
    UNIQUE (project_id, environment, end_user)
);

CREATE INDEX call_end_users_by_age ON call_end_users (seen_at);

-- What there was on each day.
CREATE TABLE call_usage (
    project_id  TEXT NOT NULL,
    environment TEXT NOT NULL,
    day         BIGINT NOT NULL, -- since 1970, in UTC
    connector   TEXT NOT NULL, -- empty: of none
    tool        TEXT NOT NULL, -- as of a connector
    agent_id    TEXT NOT NULL, -- as of a connector
    counted     TEXT NOT NULL, -- an outcome with its reason, or a class of durations
    number      BIGINT NOT NULL,
    PRIMARY KEY (project_id, environment, day, connector, tool, agent_id, counted)
);

CREATE INDEX call_usage_by_age ON call_usage (day);
