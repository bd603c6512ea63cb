-- Sessions that all users of a project share. A session that was begun alone stays its user's.

ALTER TABLE claude_code_sessions ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;
CREATE INDEX claude_code_sessions_shared ON claude_code_sessions (project, thread) WHERE shared = 1;
