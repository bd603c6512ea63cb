-- What running turns set aside, what was added to limits, and who was told how far a limit is spent.

CREATE TABLE reservations (
    turn_id INTEGER PRIMARY KEY REFERENCES turns (id),
    user_id TEXT NOT NULL,
    session INTEGER REFERENCES claude_code_sessions (number),
    nanos   INTEGER NOT NULL,
    epoch   INTEGER NOT NULL
) STRICT;

-- `day` is a UTC day since 1970, 0 for a session, whose limit knows no days.
CREATE TABLE raises (
    scope TEXT NOT NULL,
    key   TEXT NOT NULL,
    day   INTEGER NOT NULL,
    nanos INTEGER NOT NULL,
    PRIMARY KEY (scope, key, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE alerts (
    scope TEXT NOT NULL,
    key   TEXT NOT NULL,
    day   INTEGER NOT NULL,
    level INTEGER NOT NULL, -- percent
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (scope, key, day, level)
) STRICT, WITHOUT ROWID;
