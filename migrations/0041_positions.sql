-- expands: the position of a file among those of its message, from 0; an older version writes 0 for all.
ALTER TABLE uploads ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
UPDATE uploads SET position = (
    SELECT count(*) FROM uploads AS e
    WHERE e.turn_id = uploads.turn_id
      AND (e.created_ms < uploads.created_ms OR e.created_ms = uploads.created_ms AND e.id < uploads.id)
) WHERE turn_id IS NOT NULL;
