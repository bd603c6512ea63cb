-- A turn that continues the work of an interrupted one: a yes that was kept over the restart is valid in it alone.

-- The interrupted turn; NULL = the turn continues none.
ALTER TABLE turns ADD COLUMN resumes INTEGER;
