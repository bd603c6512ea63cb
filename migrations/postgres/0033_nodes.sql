-- The daemons that work on this database. An epoch lives while its row stands; the table `node` counts epochs.
CREATE TABLE nodes (
    name     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    epoch    BIGINT NOT NULL UNIQUE,
    seat     TEXT COLLATE "C" NOT NULL, -- where its state.dir is: who holds the same lock knows that this one is dead
    until_ms BIGINT NOT NULL,           -- the end of its lease, by the clock of the database
    url      TEXT COLLATE "C" NOT NULL,
    labels   TEXT COLLATE "C" NOT NULL, -- JSON
    version  TEXT COLLATE "C" NOT NULL
);
