-- How many files of its project a turn has changed; NULL = nobody has looked.
ALTER TABLE turns ADD COLUMN files_changed INTEGER;
