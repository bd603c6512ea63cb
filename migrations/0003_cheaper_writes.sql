-- The same tables and rows, cheaper to write.
--
-- A CHECK with an IN of more than two values makes SQLite fill a table of them for every statement that writes the row,
-- which took a third of the time of storing a turn: OR compares. A table's CHECK cannot be altered, so the tables are
-- made anew; no column, no value and no number changes.

DROP VIEW claude_code_session_stats;
DROP VIEW claude_code_recent_messages;

-- Without claude_code_sessions_user_activity, which moved twice with every message: a person's sessions are found by
-- another index and sorted.
CREATE TABLE claude_code_sessions_new (
    number          INTEGER PRIMARY KEY, -- what our own tables refer to
    id              TEXT NOT NULL UNIQUE,
    user_id         TEXT NOT NULL,
    project         TEXT NOT NULL,
    project_path    TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    thread          TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (
        status = 'active' OR status = 'idle' OR status = 'connecting' OR status = 'disconnecting' OR
        status = 'disconnected' OR status = 'error'
    ),
    end_reason      TEXT NOT NULL DEFAULT '',
    started         INTEGER NOT NULL DEFAULT 0,
    cost_nanos      INTEGER NOT NULL DEFAULT 0,
    message_count   INTEGER NOT NULL DEFAULT 0,
    started_ms      INTEGER NOT NULL,
    ended_ms        INTEGER,
    activity_ms     INTEGER NOT NULL,
    updated_ms      INTEGER NOT NULL,
    epoch           INTEGER NOT NULL,
    metadata        TEXT NOT NULL DEFAULT '{}',
    cost_usd        REAL GENERATED ALWAYS AS (cost_nanos / 1e9) VIRTUAL,
    started_at      TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%fZ', started_ms / 1e3, 'unixepoch')) VIRTUAL,
    ended_at        TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%fZ', ended_ms / 1e3, 'unixepoch')) VIRTUAL,
    last_activity   TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%fZ', activity_ms / 1e3, 'unixepoch')) VIRTUAL,
    created_at      TEXT GENERATED ALWAYS AS (started_at) VIRTUAL,
    updated_at      TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%fZ', updated_ms / 1e3, 'unixepoch')) VIRTUAL
) STRICT;
INSERT INTO claude_code_sessions_new (
    number, id, user_id, project, project_path, conversation_id, thread, status, end_reason, started, cost_nanos,
    message_count, started_ms, ended_ms, activity_ms, updated_ms, epoch, metadata
) SELECT
    number, id, user_id, project, project_path, conversation_id, thread, status, end_reason, started, cost_nanos,
    message_count, started_ms, ended_ms, activity_ms, updated_ms, epoch, metadata
FROM claude_code_sessions;
DROP TABLE claude_code_sessions;
ALTER TABLE claude_code_sessions_new RENAME TO claude_code_sessions;
CREATE INDEX claude_code_sessions_conversation ON claude_code_sessions (user_id, thread, project);
CREATE INDEX claude_code_sessions_activity ON claude_code_sessions (activity_ms);
CREATE INDEX claude_code_sessions_live ON claude_code_sessions (user_id)
    WHERE status NOT IN ('disconnected', 'error');

CREATE TABLE turns_new (
    id             INTEGER PRIMARY KEY,
    kind           TEXT NOT NULL DEFAULT 'prompt' CHECK (kind IN ('prompt', 'spontaneous')),
    lane           TEXT NOT NULL,
    target         TEXT NOT NULL CHECK (
        target = 'claude_code' OR target = 'assistant' OR target = 'refused' OR target = 'command'
    ),
    reason         TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (
        state = 'running' OR state = 'completed' OR state = 'pending' OR state = 'waiting' OR state = 'failed' OR
        state = 'interrupted' OR state = 'cancelled'
    ),
    user_id        TEXT NOT NULL,
    session        INTEGER REFERENCES claude_code_sessions (number),
    project        TEXT NOT NULL,
    exclusive      INTEGER NOT NULL,
    channel        TEXT NOT NULL,
    thread         TEXT NOT NULL,
    reply          TEXT,
    attempts       INTEGER NOT NULL DEFAULT 0, -- how often it was started before
    epoch          INTEGER NOT NULL,
    pid            INTEGER,
    pid_started    INTEGER,
    boot_id        TEXT,
    accepted_ms    INTEGER NOT NULL,
    started_ms     INTEGER,
    ended_ms       INTEGER,
    answer         TEXT,
    why            TEXT NOT NULL DEFAULT '',
    stop_reason    TEXT NOT NULL DEFAULT '',
    duration_ms    INTEGER NOT NULL DEFAULT 0,
    provider_nanos INTEGER
) STRICT;
INSERT INTO turns_new SELECT * FROM turns;
DROP TABLE turns;
ALTER TABLE turns_new RENAME TO turns;
CREATE UNIQUE INDEX turns_running ON turns (lane) WHERE state = 'running';
CREATE UNIQUE INDEX turns_running_project ON turns (project) WHERE state = 'running' AND exclusive = 1;
CREATE INDEX turns_pending ON turns (lane) WHERE state = 'pending';
CREATE INDEX turns_pending_project ON turns (project) WHERE state = 'pending' AND exclusive = 1;
CREATE INDEX turns_exchanges ON turns (lane) WHERE state = 'completed' AND target = 'assistant';
CREATE INDEX turns_session ON turns (session) WHERE session IS NOT NULL;
CREATE INDEX turns_user ON turns (user_id, accepted_ms);

CREATE TABLE outbox_new (
    number        INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    turn_id       INTEGER REFERENCES turns (id),
    user_id       TEXT,
    state         TEXT NOT NULL CHECK (
        state = 'pending' OR state = 'sending' OR state = 'sent' OR state = 'delivered' OR state = 'undelivered' OR
        state = 'dead'
    ),
    channel       TEXT NOT NULL,
    account       TEXT NOT NULL,
    to_kind       TEXT NOT NULL,
    recipient     TEXT NOT NULL,
    body          TEXT, -- NULL: the answer of the turn
    meta          TEXT NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    not_before_ms INTEGER NOT NULL,
    sending_ms    INTEGER,
    created_ms    INTEGER NOT NULL,
    updated_ms    INTEGER NOT NULL,
    epoch         INTEGER NOT NULL,
    provider_id   TEXT,
    note          TEXT NOT NULL DEFAULT '',
    CHECK (body IS NOT NULL OR turn_id IS NOT NULL)
) STRICT;
INSERT INTO outbox_new SELECT * FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_new RENAME TO outbox;
CREATE INDEX outbox_pending ON outbox (channel, not_before_ms) WHERE state = 'pending';
CREATE INDEX outbox_line ON outbox (channel, to_kind, recipient, number) WHERE state IN ('pending', 'sending');
CREATE INDEX outbox_sending ON outbox (channel) WHERE state = 'sending';
CREATE INDEX outbox_dead ON outbox (channel) WHERE state = 'dead';
CREATE UNIQUE INDEX outbox_provider ON outbox (channel, provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX outbox_cut ON outbox (channel, recipient) WHERE note >= 'more:' AND note < 'more;';

CREATE VIEW claude_code_session_stats AS
SELECT id AS session_id, user_id, project, project_path, status, message_count, cost_usd, started_at, last_activity, ended_at,
       (coalesce(ended_ms, activity_ms) - started_ms) / 1e3 AS duration_seconds
FROM claude_code_sessions;

CREATE VIEW claude_code_recent_messages AS
SELECT m.id, m.session_id, s.user_id, s.project_path, m.direction, m.message, m.timestamp, m.cost_usd, m.status
FROM claude_code_messages AS m
JOIN claude_code_sessions AS s ON s.id = m.session_id
ORDER BY m.seq DESC
LIMIT 100;

-- The charges of a session are those of its turns.
DROP INDEX ledger_session;
ALTER TABLE claude_code_messages DROP COLUMN created_at;
ALTER TABLE claude_code_messages ADD COLUMN created_at TEXT GENERATED ALWAYS AS (timestamp) VIRTUAL;
