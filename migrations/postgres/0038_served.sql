-- expands: what a node says of itself while it works, as JSON: the projects whose folders it has, and the addresses of its
-- machine. NULL = it does not say; an older version does not.
ALTER TABLE nodes ADD COLUMN projects TEXT COLLATE "C";
ALTER TABLE nodes ADD COLUMN addresses TEXT COLLATE "C";
