-- expands: whether somebody has asked a node to end its turns and stop.
ALTER TABLE nodes ADD COLUMN draining BIGINT NOT NULL DEFAULT 0;
