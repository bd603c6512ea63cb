-- Questions that outlive their turn: where a restart cut it off, a yes counts for the same call when the work goes on.

-- 1: a restart cut its turn off before the call was let through.
ALTER TABLE approvals ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;
-- Over the call, its folder and its session without the id that the call had: it has another when it is made again.
ALTER TABLE approvals ADD COLUMN content_sha256 BLOB;
CREATE INDEX approvals_kept ON approvals (session_id) WHERE kept = 1;
