-- expands: the position of a file among those of its message, from 0; an older version writes 0 for all.
ALTER TABLE uploads ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
