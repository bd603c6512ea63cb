-- The folder of each project at the last start: a session belongs to its project's name, and follows its folder.

CREATE TABLE project_folders (
    project TEXT PRIMARY KEY,
    folder  TEXT NOT NULL -- absolute, symbolic links resolved
) STRICT, WITHOUT ROWID;

-- A session whose thread is "session:..." may be in a folder below the project's; all others are in the project's own.
INSERT INTO project_folders (project, folder)
SELECT project, project_path FROM claude_code_sessions
WHERE number IN (
    SELECT max(number) FROM claude_code_sessions
    WHERE thread NOT LIKE 'session:%' AND project NOT LIKE '~%' GROUP BY project
);
