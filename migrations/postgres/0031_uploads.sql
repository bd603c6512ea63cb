-- Files that people attach to messages; their content lies in state.dir/uploads.
CREATE TABLE uploads (
    id         TEXT COLLATE "C" PRIMARY KEY,
    user_id    TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    media_type TEXT COLLATE "C" NOT NULL,
    size       BIGINT NOT NULL, -- bytes
    sha256     TEXT COLLATE "C" NOT NULL,
    path       TEXT COLLATE "C" NOT NULL, -- absolute
    created_ms BIGINT NOT NULL,
    turn_id    BIGINT REFERENCES turns (id) -- NULL = not sent yet
);
CREATE INDEX uploads_turn ON uploads (turn_id) WHERE turn_id IS NOT NULL;
CREATE INDEX uploads_unsent ON uploads (user_id) WHERE turn_id IS NULL;

-- As SQLite names them. From PostgreSQL 16 on, JSON_ARRAY is its own.
DO $$ BEGIN
    IF current_setting('server_version_num')::INTEGER < 160000 THEN
        CREATE FUNCTION json_array(TEXT, TEXT, TEXT, BIGINT, TEXT) RETURNS JSON LANGUAGE sql IMMUTABLE PARALLEL SAFE
            RETURN json_build_array($1, $2, $3, $4, $5);
    END IF;
END $$;
CREATE FUNCTION json_group_add(listed TEXT, item JSON) RETURNS TEXT LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    CASE WHEN listed = '' THEN item::TEXT ELSE listed || ',' || item::TEXT END;
CREATE FUNCTION json_group_end(listed TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN '[' || listed || ']';
CREATE AGGREGATE json_group_array (JSON) (
    SFUNC = json_group_add, STYPE = TEXT, INITCOND = '', FINALFUNC = json_group_end
);
