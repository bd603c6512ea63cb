-- expands: why a question was denied; the node whose call waits for the answer tells the model. '' = nobody said it.
ALTER TABLE approvals ADD COLUMN note TEXT COLLATE "C" NOT NULL DEFAULT '';
