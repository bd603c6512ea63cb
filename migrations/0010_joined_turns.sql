-- Messages that are answered with another: gathered with it into one prompt, or sent into its turn while that runs.

-- Of a turn in state 'waiting': the turn that it is part of.
ALTER TABLE turns ADD COLUMN host INTEGER REFERENCES turns (id);
-- It may be gathered with the one before it, where that waits too.
ALTER TABLE turns ADD COLUMN gather INTEGER NOT NULL DEFAULT 0;
CREATE INDEX turns_joined ON turns (host) WHERE state = 'waiting';
