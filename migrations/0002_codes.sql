-- Codes that people were told, each for one exact thing; they stay after their use, so that a repetition is explained.
CREATE TABLE codes (
    code      TEXT PRIMARY KEY,
    kind      TEXT NOT NULL CHECK (kind IN ('approval', 'turn', 'undo', 'budget')),
    ref       TEXT NOT NULL,
    user_id   TEXT NOT NULL,
    until_ms  INTEGER NOT NULL,
    closed_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX codes_open ON codes (user_id, kind) WHERE closed_ms IS NULL;
CREATE INDEX codes_until ON codes (until_ms);
