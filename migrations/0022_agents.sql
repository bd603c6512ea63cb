-- What programs report about the agents that they run: conversations, messages, states, and the files that the
-- programs themselves have changed. What Claude Code changed is in file_operations.
CREATE TABLE agent_conversations (
    number     INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    -- Whose token reported it: "user:<id>" or "service:<name>".
    owner      TEXT NOT NULL,
    user_id    TEXT,
    -- JSON: the names of the agents.
    agents     TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    last_ms    INTEGER NOT NULL,
    ended_ms   INTEGER,
    -- How many messages were reported, and how many bytes those that are kept take.
    messages   INTEGER NOT NULL DEFAULT 0,
    bytes      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX agent_conversations_of_owner ON agent_conversations (owner, number);
CREATE INDEX agent_conversations_old ON agent_conversations (last_ms);

CREATE TABLE agent_messages (
    id           INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES agent_conversations (number) ON DELETE CASCADE,
    agent        TEXT NOT NULL,
    content      TEXT NOT NULL,
    kind         TEXT NOT NULL,
    -- The message to Claude Code that it tells of: what that turn did to files belongs to the conversation.
    message_id   TEXT,
    at_ms        INTEGER NOT NULL
) STRICT;
CREATE INDEX agent_messages_of_conversation ON agent_messages (conversation, id);

CREATE TABLE agent_states (
    owner   TEXT NOT NULL,
    user_id TEXT,
    agent   TEXT NOT NULL,
    state   TEXT NOT NULL,
    at_ms   INTEGER NOT NULL,
    PRIMARY KEY (owner, agent)
) STRICT, WITHOUT ROWID;

CREATE TABLE agent_operations (
    number         INTEGER PRIMARY KEY,
    -- As the program names it.
    id             TEXT NOT NULL,
    owner          TEXT NOT NULL,
    user_id        TEXT,
    conversation   INTEGER REFERENCES agent_conversations (number) ON DELETE SET NULL,
    kind           TEXT NOT NULL,
    path           TEXT NOT NULL,
    before_hash    TEXT,
    after_hash     TEXT,
    before_size    INTEGER,
    after_size     INTEGER,
    at_ms          INTEGER NOT NULL,
    rolled_back_ms INTEGER,
    UNIQUE (owner, id)
) STRICT;
CREATE INDEX agent_operations_of_conversation ON agent_operations (conversation);
CREATE INDEX agent_operations_old ON agent_operations (at_ms);
