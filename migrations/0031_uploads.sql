-- Files that people attach to messages; their content lies in state.dir/uploads.
CREATE TABLE uploads (
    id         TEXT    PRIMARY KEY,
    user_id    TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    media_type TEXT    NOT NULL,
    size       INTEGER NOT NULL, -- bytes
    sha256     TEXT    NOT NULL,
    path       TEXT    NOT NULL, -- absolute
    created_ms INTEGER NOT NULL,
    turn_id    INTEGER REFERENCES turns (id) -- NULL = not sent yet
) STRICT;
CREATE INDEX uploads_turn ON uploads (turn_id) WHERE turn_id IS NOT NULL;
CREATE INDEX uploads_unsent ON uploads (user_id) WHERE turn_id IS NULL;
