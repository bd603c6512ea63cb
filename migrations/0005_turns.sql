-- How many files of its project a turn has changed; NULL = nobody has looked.
ALTER TABLE turns ADD COLUMN files_changed INTEGER;

-- How often its prompt was given anew under another id, because Claude Code had begun to answer the one before.
ALTER TABLE turns ADD COLUMN renamed INTEGER NOT NULL DEFAULT 0;
