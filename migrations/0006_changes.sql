-- What each turn changed in its project's folder, and whether that was taken back. Nothing wrote `checkpoints` before.

DROP TABLE checkpoints;

CREATE TABLE checkpoints (
    turn_id       INTEGER PRIMARY KEY REFERENCES turns (id),
    project_path  TEXT NOT NULL,
    before_commit TEXT NOT NULL DEFAULT '', -- '': the folder could not be recorded, `why` says why
    after_commit  TEXT NOT NULL DEFAULT '', -- '': not yet, or it could not be recorded
    why           TEXT NOT NULL DEFAULT '',
    before_ms     INTEGER NOT NULL,
    after_ms      INTEGER,
    undone_ms     INTEGER, -- NULL: its changes stand
    undone_by     TEXT,
    undo_before   TEXT, -- around the undo: what takes it back
    undo_after    TEXT,
    epoch         INTEGER NOT NULL
) STRICT;
CREATE INDEX checkpoints_folder ON checkpoints (project_path, before_ms);

-- Each path that a turn left other than it found it; hashes are those of git blobs.
CREATE TABLE file_operations (
    turn_id     INTEGER NOT NULL REFERENCES turns (id),
    path        TEXT NOT NULL,
    tool        TEXT NOT NULL,
    status      TEXT NOT NULL CHECK (status = 'added' OR status = 'modified' OR status = 'deleted'),
    before_hash TEXT,
    after_hash  TEXT,
    at_ms       INTEGER NOT NULL,
    PRIMARY KEY (turn_id, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_operations_path ON file_operations (path);
