-- expands: the id that a node has in its state.dir, as whom it is noted as keeper of transcripts. '' = the node does not say; an
-- older version does not.
ALTER TABLE nodes ADD COLUMN keeper TEXT COLLATE "C" NOT NULL DEFAULT '';
