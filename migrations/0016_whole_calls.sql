-- The whole call of a question, for the person who decides, and how far each person has read it.

ALTER TABLE approvals ADD COLUMN call TEXT NOT NULL DEFAULT ''; -- empty: an older version asked
ALTER TABLE approvals ADD COLUMN diff TEXT NOT NULL DEFAULT ''; -- what the call changes in files
CREATE INDEX outbox_parts ON outbox (json_extract(meta, '$.call.reader'), number)
    WHERE json_extract(meta, '$.call.reader') IS NOT NULL;
