-- The daemons that work on this database. An epoch lives while its row stands; the table `node` counts epochs.
CREATE TABLE nodes (
    name     TEXT PRIMARY KEY,
    epoch    INTEGER NOT NULL UNIQUE,
    seat     TEXT NOT NULL,    -- where its state.dir is: who holds the lock of the same one knows that this one is dead
    until_ms INTEGER NOT NULL, -- the end of its lease, by the clock of the database; 0 = it is alone and has none
    url      TEXT NOT NULL,
    labels   TEXT NOT NULL,    -- JSON
    version  TEXT NOT NULL
) STRICT;
