-- With which passkey a session was signed in: removing that passkey ends it. NULL = in another way.
ALTER TABLE sign_in_sessions ADD COLUMN passkey BLOB;
