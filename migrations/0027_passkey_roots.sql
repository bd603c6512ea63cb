-- How the person was signed in who added a passkey: one that was added with a link proves no more than that link.
ALTER TABLE passkeys ADD COLUMN root TEXT NOT NULL DEFAULT 'mail';
