-- The calls of tools that the daemon gives the assistant, whole: for the history of a chat, and for later turns.
CREATE TABLE tool_calls (
    turn_id     INTEGER NOT NULL REFERENCES turns (id),
    position    INTEGER NOT NULL, -- in the turn, from 1
    tool_use_id TEXT NOT NULL,
    name        TEXT NOT NULL,
    input       TEXT NOT NULL, -- JSON, as the model wrote it
    reads       INTEGER NOT NULL,
    started_ms  INTEGER NOT NULL,
    ended_ms    INTEGER, -- NULL: it has not ended, or the daemon was gone before
    failed      INTEGER NOT NULL DEFAULT 0,
    result      TEXT NOT NULL DEFAULT '', -- as the person saw it
    for_model   TEXT NOT NULL DEFAULT '', -- as the model got it; empty: the same
    title       TEXT NOT NULL DEFAULT '', -- of the artifact
    kind        TEXT NOT NULL DEFAULT '',
    artifact    TEXT, -- JSON; NULL: there is none
    PRIMARY KEY (turn_id, position)
) STRICT, WITHOUT ROWID;

-- What a question shows in a chat besides its text: the input as JSON, and the chat that its turn was written in.
ALTER TABLE approvals ADD COLUMN input TEXT NOT NULL DEFAULT '';
ALTER TABLE approvals ADD COLUMN thread TEXT NOT NULL DEFAULT '';
