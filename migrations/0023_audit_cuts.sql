-- Old entries of the audit trail may be cut off, up to a sealed checkpoint.

CREATE TABLE audit_cuts (
    seq     INTEGER PRIMARY KEY, -- of the last entry that was cut off
    at_ms   INTEGER NOT NULL,
    entries INTEGER NOT NULL,    -- how many this cut took
    mac     BLOB NOT NULL,       -- the seal of that last entry
    seal    BLOB NOT NULL        -- over this row
) STRICT;

DROP TRIGGER audit_keeps_rows;
CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit
WHEN OLD.seq > coalesce((SELECT max(seq) FROM audit_cuts), 0) BEGIN
    SELECT RAISE(ABORT, 'the audit trail is only ever appended to');
END;
