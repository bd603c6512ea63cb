-- duration_seconds is the same here as on every wire: whole seconds from started_at to ended_at, or to now while the
-- session has not ended. (unixepoch() is younger than the oldest SQLite that we run on.)
DROP VIEW claude_code_session_stats;
CREATE VIEW claude_code_session_stats AS
SELECT id AS session_id, user_id, project, project_path, status, message_count, cost_usd, started_at, last_activity, ended_at,
       max(0, coalesce(ended_ms, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)) - started_ms) / 1000
           AS duration_seconds
FROM claude_code_sessions;
