-- Tasks that a turn of the assistant gave Claude Code: their costs are shown with its message, too.
CREATE TABLE delegations (
    turn_id  INTEGER PRIMARY KEY REFERENCES turns (id), -- of the task
    given_by INTEGER NOT NULL REFERENCES turns (id)
) STRICT;
CREATE INDEX delegations_given_by ON delegations (given_by);
