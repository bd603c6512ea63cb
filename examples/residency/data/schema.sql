-- Moments are seconds since the epoch (UTC); days are ordinals of Python's datetime.date in the programme's time zone.

CREATE TABLE programme (
    schedule_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    averaging TEXT NOT NULL CHECK (averaging IN ('block', 'rotation')),
    first_day INTEGER NOT NULL,
    last_day INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;

CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT NOT NULL, level INTEGER NOT NULL) STRICT;

CREATE TABLE rotations (id TEXT PRIMARY KEY, name TEXT NOT NULL, flexible INTEGER NOT NULL) STRICT;

CREATE TABLE needs (
    rotation_id TEXT NOT NULL REFERENCES rotations,
    kind TEXT NOT NULL,
    start_minute INTEGER NOT NULL,
    minutes INTEGER NOT NULL,
    weekdays TEXT NOT NULL,
    minimum INTEGER NOT NULL,
    level INTEGER NOT NULL,
    PRIMARY KEY (rotation_id, kind, start_minute)
) STRICT;

CREATE TABLE assignments (
    person_id TEXT NOT NULL REFERENCES people,
    rotation_id TEXT NOT NULL REFERENCES rotations,
    first_day INTEGER NOT NULL,
    last_day INTEGER NOT NULL,
    PRIMARY KEY (person_id, first_day)
) STRICT;

CREATE TABLE absences (
    person_id TEXT NOT NULL REFERENCES people,
    kind TEXT NOT NULL,
    first_day INTEGER NOT NULL,
    last_day INTEGER NOT NULL,
    PRIMARY KEY (person_id, first_day, kind)
) STRICT;

CREATE TABLE shifts (
    id TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES people,
    rotation_id TEXT NOT NULL REFERENCES rotations,
    kind TEXT NOT NULL,
    start_s INTEGER NOT NULL,
    end_s INTEGER NOT NULL CHECK (end_s > start_s)
) STRICT;

-- One row for each write; `version` is the version that it made.
CREATE TABLE changes (
    id TEXT PRIMARY KEY,
    version INTEGER NOT NULL UNIQUE,
    tool TEXT NOT NULL,
    summary TEXT NOT NULL,
    actor TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    at_s INTEGER NOT NULL,
    edits TEXT NOT NULL,
    rolls_back TEXT REFERENCES changes
) STRICT;

-- What was shown before a write: the write is refused without it.
CREATE TABLE previews (
    id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    tool TEXT NOT NULL,
    digest TEXT NOT NULL,
    edits TEXT NOT NULL,
    actor TEXT NOT NULL,
    at_s INTEGER NOT NULL
) STRICT;

CREATE INDEX previews_digest ON previews (version, digest);

-- Who works on the schedule: the last thing that each user did in each chat.
CREATE TABLE presence (
    actor TEXT NOT NULL,
    chat TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    doing TEXT NOT NULL,
    at_s INTEGER NOT NULL,
    PRIMARY KEY (actor, chat)
) STRICT;
