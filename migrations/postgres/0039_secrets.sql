-- expands: check values of the secrets that all nodes have in common, as JSON by name; none can be found from them. NULL = the
-- node does not say; an older version does not.
ALTER TABLE nodes ADD COLUMN secrets TEXT COLLATE "C";
