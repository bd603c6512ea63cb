-- What counts against the rate limits of a person: a message, or a command word. Rows older than the longest window go.
CREATE TABLE counted_messages (
    user_id TEXT NOT NULL,
    command INTEGER NOT NULL,
    at_ms   INTEGER NOT NULL,
    id      TEXT NOT NULL, -- tells the messages of one millisecond apart
    PRIMARY KEY (user_id, command, at_ms, id)
) STRICT, WITHOUT ROWID;

-- Who acts on a key: on an Idempotency-Key, or on the message of a command word. A claim counts while its epoch lives.
CREATE TABLE claims (
    owner  TEXT NOT NULL,
    key    TEXT NOT NULL,
    epoch  INTEGER NOT NULL,
    at_ms  INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_at ON claims (at_ms);
