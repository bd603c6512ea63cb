-- expands: what one node alone works on at a time: the folder of a project, a chat, a channel. A row of a dead epoch counts nothing.
CREATE TABLE places (
    place    TEXT COLLATE "C" PRIMARY KEY,
    epoch    BIGINT NOT NULL,
    since_ms BIGINT NOT NULL
);
