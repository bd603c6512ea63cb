-- Under which reference a model knows a person in a conversation (scope = the lane of its turns): a reference must stand
-- for the same person after a restart. person is JSON: a text, a number, or null for a name without an id.
CREATE TABLE tool_references (
    seq       INTEGER PRIMARY KEY,
    scope     TEXT NOT NULL,
    reference TEXT NOT NULL,
    person    TEXT NOT NULL,
    name      TEXT NOT NULL,
    UNIQUE (scope, person, name)
) STRICT;
