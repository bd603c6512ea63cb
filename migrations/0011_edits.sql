-- Each call of a tool that edits a file (hashes: SHA-256 of the file), and, with no tool_use_id, each path that a turn
-- left other than it found it (hashes: those of git blobs).

CREATE TABLE operations (
    id          INTEGER PRIMARY KEY,
    turn_id     INTEGER NOT NULL REFERENCES turns (id),
    tool_use_id TEXT NOT NULL,
    path        TEXT NOT NULL,
    tool        TEXT NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('added', 'modified', 'deleted', 'unchanged')),
    before_hash TEXT,
    after_hash  TEXT,
    at_ms       INTEGER NOT NULL,
    UNIQUE (turn_id, path, tool_use_id)
) STRICT;
INSERT INTO operations (turn_id, tool_use_id, path, tool, status, before_hash, after_hash, at_ms)
SELECT turn_id, '', path, tool, status, before_hash, after_hash, at_ms FROM file_operations ORDER BY turn_id, path;
DROP TABLE file_operations;
ALTER TABLE operations RENAME TO file_operations;
CREATE INDEX file_operations_path ON file_operations (path);
