-- Questions to people about one exact tool call, and what a yes for some minutes allows. Nothing wrote here before.

DROP TABLE approvals;

CREATE TABLE approvals (
    id          TEXT PRIMARY KEY,
    code        TEXT NOT NULL,
    turn_id     INTEGER NOT NULL REFERENCES turns (id),
    session_id  TEXT NOT NULL,
    user_id     TEXT NOT NULL, -- who asked for the turn
    project     TEXT NOT NULL,
    tool_use_id TEXT NOT NULL,
    tool        TEXT NOT NULL,
    risk        TEXT NOT NULL,
    channel     TEXT NOT NULL, -- by which the turn was asked for
    call_sha256 BLOB NOT NULL, -- over the whole call, its folder and its session
    summary     TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('open', 'allowed', 'denied', 'expired', 'withdrawn')),
    asked_ms    INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    decided_ms  INTEGER,
    decided_by  TEXT,
    consumed_ms INTEGER, -- when the allowed call was let through: once
    epoch       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX approvals_code ON approvals (code);
CREATE INDEX approvals_open ON approvals (user_id) WHERE state = 'open';
CREATE UNIQUE INDEX approvals_call ON approvals (session_id, tool_use_id);

CREATE TABLE grants (
    approval_id TEXT PRIMARY KEY REFERENCES approvals (id),
    user_id     TEXT NOT NULL,
    project     TEXT NOT NULL,
    tool        TEXT NOT NULL,
    risk        TEXT NOT NULL,
    until_ms    INTEGER NOT NULL,
    epoch       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_scope ON grants (user_id, project, tool, risk);
