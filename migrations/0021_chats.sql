-- Chats: conversations of one person with the assistant, listed beside the sessions of Claude Code.

ALTER TABLE claude_code_sessions ADD COLUMN kind TEXT NOT NULL DEFAULT 'claude_code'
    CHECK (kind IN ('claude_code', 'chat'));
ALTER TABLE claude_code_sessions ADD COLUMN title TEXT NOT NULL DEFAULT ''; -- of a chat; empty = nothing was asked in it
ALTER TABLE claude_code_sessions ADD COLUMN deleted_ms INTEGER; -- its texts are erased; its costs stay
CREATE INDEX claude_code_sessions_chats ON claude_code_sessions (user_id, activity_ms)
    WHERE kind = 'chat' AND deleted_ms IS NULL;
DROP INDEX claude_code_sessions_live;
CREATE INDEX claude_code_sessions_live ON claude_code_sessions (user_id)
    WHERE status NOT IN ('disconnected', 'error') AND kind = 'claude_code';

-- The chat that the message was written in, whoever answered it; NULL = none.
ALTER TABLE turns ADD COLUMN chat INTEGER REFERENCES claude_code_sessions (number);
-- The turn of the edited message in whose favour it left the chat's history; NULL = it did not.
ALTER TABLE turns ADD COLUMN superseded_by INTEGER REFERENCES turns (id);
CREATE INDEX turns_chat ON turns (chat, id) WHERE chat IS NOT NULL;

-- The turn that it was part of and ended with; NULL = it had an end of its own.
ALTER TABLE turns ADD COLUMN answered_by INTEGER REFERENCES turns (id);
CREATE INDEX turns_answered ON turns (answered_by) WHERE answered_by IS NOT NULL;
