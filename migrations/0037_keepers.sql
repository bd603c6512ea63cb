-- expands: which node gave Claude Code the last prompt of a session, and has its newest transcript. '' = not known, or the
-- daemon is alone.
ALTER TABLE claude_code_sessions ADD COLUMN node TEXT NOT NULL DEFAULT '';
