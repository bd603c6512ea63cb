-- Codes of messages that do not run by themselves: YES runs them, NO drops them.
CREATE TABLE codes_with_held (
    code      TEXT PRIMARY KEY,
    kind      TEXT NOT NULL CHECK (kind IN ('approval', 'turn', 'undo', 'budget', 'held')),
    ref       TEXT NOT NULL,
    user_id   TEXT NOT NULL,
    until_ms  INTEGER NOT NULL,
    closed_ms INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO codes_with_held (code, kind, ref, user_id, until_ms, closed_ms)
SELECT code, kind, ref, user_id, until_ms, closed_ms FROM codes;
DROP TABLE codes;
ALTER TABLE codes_with_held RENAME TO codes;
CREATE INDEX codes_open ON codes (user_id, kind) WHERE closed_ms IS NULL;
CREATE INDEX codes_until ON codes (until_ms);
