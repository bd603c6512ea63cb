-- expands: the position of a file among those of its message, from 0; an older version writes 0 for all.
ALTER TABLE uploads ADD COLUMN position BIGINT NOT NULL DEFAULT 0;
UPDATE uploads SET position = (
    SELECT count(*) FROM uploads AS e
    WHERE e.turn_id = uploads.turn_id
      AND (e.created_ms < uploads.created_ms OR e.created_ms = uploads.created_ms AND e.id < uploads.id)
) WHERE turn_id IS NOT NULL;

-- As in 0031, for servers that do not have json_array, with the position before the rest.
DO $$ BEGIN
    IF current_setting('server_version_num')::INTEGER < 160000 THEN
        CREATE FUNCTION json_array(BIGINT, TEXT, TEXT, TEXT, BIGINT, TEXT) RETURNS JSON LANGUAGE sql IMMUTABLE
            PARALLEL SAFE RETURN json_build_array($1, $2, $3, $4, $5, $6);
    END IF;
END $$;
