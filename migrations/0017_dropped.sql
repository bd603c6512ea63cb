-- Messages that were dropped or refused, with the reason, so that an operator can let one in.
CREATE TABLE dropped (
    id         INTEGER PRIMARY KEY,
    channel    TEXT NOT NULL,
    -- As it is written in the message; it may be forged.
    sender     TEXT NOT NULL,
    why        TEXT NOT NULL,
    at_ms      INTEGER NOT NULL,
    -- JSON: what is needed to let it in; NULL = it cannot be let in.
    message    TEXT,
    kept       INTEGER NOT NULL GENERATED ALWAYS AS (message IS NOT NULL) VIRTUAL,
    let_in_ms  INTEGER,
    message_id TEXT
) STRICT;
CREATE INDEX dropped_kept ON dropped (channel, kept, id);
