-- Times are milliseconds UTC, money is nanodollars, days are UTC days since 1970, ids outside are text.

-- This node. `epoch` is raised at each start; every row that a running node writes carries it.
CREATE TABLE node (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL
) STRICT;
INSERT INTO node (id, epoch) VALUES (1, 0);

-- People and what they may use.

CREATE TABLE users (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('ADMIN', 'COORDINATOR', 'OPERATOR')),
    created_ms INTEGER NOT NULL,
    removed_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE addresses (
    kind    TEXT NOT NULL,
    value   TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    PRIMARY KEY (kind, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX addresses_user ON addresses (user_id);

CREATE TABLE user_projects (
    user_id TEXT NOT NULL REFERENCES users (id),
    project TEXT NOT NULL,
    PRIMARY KEY (user_id, project)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    id         INTEGER PRIMARY KEY,
    sha256     BLOB NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    user_id    TEXT REFERENCES users (id),
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    revoked_ms INTEGER
) STRICT;
CREATE INDEX tokens_user ON tokens (user_id) WHERE user_id IS NOT NULL;

-- Claude Code sessions and what was said in them. Outside tools read these two tables by the names of design.md 4.

CREATE TABLE claude_code_sessions (
    number          INTEGER PRIMARY KEY, -- what our own tables refer to
    id              TEXT NOT NULL UNIQUE,
    user_id         TEXT NOT NULL,
    project         TEXT NOT NULL,
    project_path    TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    thread          TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (
        status IN ('connecting', 'active', 'idle', 'disconnecting', 'disconnected', 'error')
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
    created_at      TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%fZ', started_ms / 1e3, 'unixepoch')) VIRTUAL,
    updated_at      TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%fZ', updated_ms / 1e3, 'unixepoch')) VIRTUAL
) STRICT;
CREATE INDEX claude_code_sessions_conversation ON claude_code_sessions (user_id, thread, project);
CREATE INDEX claude_code_sessions_activity ON claude_code_sessions (activity_ms);
CREATE INDEX claude_code_sessions_user_activity ON claude_code_sessions (user_id, activity_ms);
CREATE INDEX claude_code_sessions_live ON claude_code_sessions (user_id)
    WHERE status NOT IN ('disconnected', 'error');

-- The prompt of turn N is row 2 N, its answer is row 2 N + 1: found without an index, and in the conversation's order.
CREATE TABLE claude_code_messages (
    seq          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    session_id   TEXT NOT NULL REFERENCES claude_code_sessions (id),
    direction    TEXT NOT NULL CHECK (direction IN ('to_claude', 'from_claude')),
    message      TEXT NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    cost_nanos   INTEGER,
    status       TEXT NOT NULL,
    context      TEXT,
    timestamp    TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%fZ', timestamp_ms / 1e3, 'unixepoch')) VIRTUAL,
    cost_usd     REAL GENERATED ALWAYS AS (cost_nanos / 1e9) VIRTUAL,
    created_at   TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%fZ', timestamp_ms / 1e3, 'unixepoch')) VIRTUAL
) STRICT;
CREATE INDEX claude_code_messages_session ON claude_code_messages (session_id);

-- Accepted messages and the turns that answer them. A body is stored once: the prompt of a Claude Code turn in
-- claude_code_messages, any other in inbox.body; the answer of a Claude Code turn there too, any other in turns.answer.

CREATE TABLE turns (
    id             INTEGER PRIMARY KEY,
    kind           TEXT NOT NULL DEFAULT 'prompt' CHECK (kind IN ('prompt', 'spontaneous')),
    lane           TEXT NOT NULL,
    target         TEXT NOT NULL CHECK (target IN ('claude_code', 'assistant', 'refused', 'command')),
    reason         TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (
        state IN ('pending', 'running', 'waiting', 'completed', 'failed', 'interrupted', 'cancelled')
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
CREATE UNIQUE INDEX turns_running ON turns (lane) WHERE state = 'running';
CREATE UNIQUE INDEX turns_running_project ON turns (project) WHERE state = 'running' AND exclusive = 1;
CREATE INDEX turns_pending ON turns (lane) WHERE state = 'pending';
CREATE INDEX turns_pending_project ON turns (project) WHERE state = 'pending' AND exclusive = 1;
CREATE INDEX turns_exchanges ON turns (lane) WHERE state = 'completed' AND target = 'assistant';
CREATE INDEX turns_session ON turns (session) WHERE session IS NOT NULL;
CREATE INDEX turns_user ON turns (user_id, accepted_ms);

CREATE TABLE inbox (
    id             INTEGER PRIMARY KEY,
    message_id     TEXT NOT NULL UNIQUE,
    turn_id        INTEGER NOT NULL REFERENCES turns (id), -- several messages may share a turn
    account        TEXT NOT NULL,
    sender_kind    TEXT NOT NULL,
    sender         TEXT NOT NULL,
    body           TEXT,
    note           TEXT NOT NULL DEFAULT '',
    context        TEXT,
    dedup          BLOB, -- 16 bytes of BLAKE2b over channel, account and key; NULL: none, or past its time
    dedup_until_ms INTEGER,
    digest         BLOB NOT NULL -- 16 bytes of BLAKE2b over the caller's digest
) STRICT;
CREATE INDEX inbox_turn ON inbox (turn_id);
CREATE UNIQUE INDEX inbox_dedup ON inbox (dedup) WHERE dedup IS NOT NULL;
CREATE INDEX inbox_dedup_until ON inbox (dedup_until_ms) WHERE dedup_until_ms IS NOT NULL;

CREATE TABLE events (
    turn_id INTEGER NOT NULL REFERENCES turns (id),
    seq     INTEGER NOT NULL,
    at_ms   INTEGER NOT NULL,
    epoch   INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    payload TEXT NOT NULL,
    PRIMARY KEY (turn_id, seq)
) STRICT, WITHOUT ROWID;

-- Where each person last was: by channel since the last answer, under '' since the last prompt on any channel.
CREATE TABLE last_used (
    user_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    session INTEGER NOT NULL REFERENCES claude_code_sessions (number),
    at_ms   INTEGER NOT NULL,
    PRIMARY KEY (user_id, channel)
) STRICT, WITHOUT ROWID;

-- Replies that leave by a channel.

CREATE TABLE outbox (
    number        INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    turn_id       INTEGER REFERENCES turns (id),
    user_id       TEXT,
    state         TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'sent', 'delivered', 'undelivered', 'dead')),
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
CREATE INDEX outbox_pending ON outbox (channel, not_before_ms) WHERE state = 'pending';
CREATE INDEX outbox_line ON outbox (channel, to_kind, recipient, number) WHERE state IN ('pending', 'sending');
CREATE INDEX outbox_sending ON outbox (channel) WHERE state = 'sending';
CREATE INDEX outbox_dead ON outbox (channel) WHERE state = 'dead';
CREATE UNIQUE INDEX outbox_provider ON outbox (channel, provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX outbox_cut ON outbox (channel, recipient) WHERE note >= 'more:' AND note < 'more;';

-- Money. `calls` is the journal of running turns; the ledger is only ever appended to; the totals are its sums.

CREATE TABLE calls (
    id             INTEGER PRIMARY KEY,
    ref            TEXT NOT NULL UNIQUE,
    turn_id        INTEGER NOT NULL REFERENCES turns (id),
    epoch          INTEGER NOT NULL,
    kind           TEXT NOT NULL,
    model          TEXT NOT NULL,
    input          INTEGER NOT NULL,
    output         INTEGER NOT NULL,
    cache_read     INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    nanos          INTEGER,
    estimated      INTEGER NOT NULL
) STRICT;
CREATE INDEX calls_turn ON calls (turn_id);

CREATE TABLE ledger (
    id             INTEGER PRIMARY KEY,
    ref            TEXT NOT NULL UNIQUE,
    turn_id        INTEGER REFERENCES turns (id),
    session        INTEGER REFERENCES claude_code_sessions (number),
    user_id        TEXT NOT NULL, -- '': nobody's
    channel        TEXT NOT NULL,
    kind           TEXT NOT NULL,
    model          TEXT NOT NULL,
    input          INTEGER NOT NULL,
    output         INTEGER NOT NULL,
    cache_read     INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    nanos          INTEGER NOT NULL,
    estimated      INTEGER NOT NULL,
    unpriced       INTEGER NOT NULL,
    at_ms          INTEGER NOT NULL,
    epoch          INTEGER NOT NULL
) STRICT;
CREATE INDEX ledger_turn ON ledger (turn_id) WHERE turn_id IS NOT NULL;
CREATE INDEX ledger_session ON ledger (session) WHERE session IS NOT NULL;
CREATE INDEX ledger_user ON ledger (user_id, at_ms);
CREATE TRIGGER ledger_keeps_rows BEFORE DELETE ON ledger BEGIN
    SELECT RAISE(ABORT, 'the ledger is only ever appended to');
END;
CREATE TRIGGER ledger_keeps_values BEFORE UPDATE ON ledger BEGIN
    SELECT RAISE(ABORT, 'the ledger is only ever appended to');
END;

-- `scope` is system (key ''), user, session, channel or model. Prompts count on the day they were accepted, money on the
-- day it was posted; under a model a turn counts once, on the day of its first charge there.
CREATE TABLE totals (
    scope         TEXT NOT NULL,
    key           TEXT NOT NULL,
    nanos         INTEGER NOT NULL,
    messages      INTEGER NOT NULL,
    input_tokens  INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE daily_totals (
    scope         TEXT NOT NULL,
    key           TEXT NOT NULL,
    day           INTEGER NOT NULL,
    nanos         INTEGER NOT NULL,
    messages      INTEGER NOT NULL,
    input_tokens  INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    PRIMARY KEY (scope, key, day)
) STRICT, WITHOUT ROWID;

-- What happened, each row sealed over the one before.

CREATE TABLE audit (
    seq    INTEGER PRIMARY KEY,
    at_ms  INTEGER NOT NULL,
    epoch  INTEGER NOT NULL,
    actor  TEXT NOT NULL,
    event  TEXT NOT NULL,
    detail TEXT NOT NULL,
    mac    BLOB NOT NULL
) STRICT;
CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit trail is only ever appended to');
END;
CREATE TRIGGER audit_keeps_values BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit trail is only ever appended to');
END;

-- Small things kept over restarts.

CREATE TABLE marks (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    owner      TEXT NOT NULL,
    key        TEXT NOT NULL,
    digest     TEXT NOT NULL,
    status     INTEGER NOT NULL,
    body       TEXT NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_expires ON idempotency (expires_ms);

-- Their place is kept for questions to people and for undo; nothing writes here yet.

CREATE TABLE approvals (
    id          TEXT PRIMARY KEY,
    code        TEXT NOT NULL,
    turn_id     INTEGER NOT NULL REFERENCES turns (id),
    user_id     TEXT NOT NULL,
    tool        TEXT NOT NULL,
    call_sha256 BLOB NOT NULL, -- over the whole call, its folder and its session
    summary     TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('open', 'allowed', 'denied', 'expired')),
    asked_ms    INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    decided_ms  INTEGER,
    decided_by  TEXT,
    note        TEXT NOT NULL DEFAULT '',
    epoch       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX approvals_open_code ON approvals (code) WHERE state = 'open';

CREATE TABLE checkpoints (
    id            INTEGER PRIMARY KEY,
    turn_id       INTEGER NOT NULL REFERENCES turns (id),
    project       TEXT NOT NULL,
    before_commit TEXT NOT NULL,
    after_commit  TEXT,
    at_ms         INTEGER NOT NULL,
    epoch         INTEGER NOT NULL
) STRICT;
CREATE INDEX checkpoints_turn ON checkpoints (turn_id);

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
