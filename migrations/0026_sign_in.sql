-- Sign-in of people. Secrets are stored nowhere, only their SHA-256.
CREATE TABLE sign_in_links (
    sha256     BLOB PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id),
    way        TEXT NOT NULL, -- mail, sms, terminal
    address    TEXT NOT NULL, -- where it was sent; it counts only while the user has this address. Empty = nowhere
    browser    BLOB, -- SHA-256 of what the asking browser keeps: only that one may use the link. NULL = any may
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    used_ms    INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE sign_in_sessions (
    id         TEXT PRIMARY KEY,
    sha256     BLOB NOT NULL UNIQUE,
    user_id    TEXT NOT NULL REFERENCES users (id),
    way        TEXT NOT NULL, -- mail, sms, terminal, passkey, oidc
    source     TEXT NOT NULL, -- the IP address that signed in
    agent      TEXT NOT NULL, -- its browser, as it says
    created_ms INTEGER NOT NULL,
    used_ms    INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_sessions_user ON sign_in_sessions (user_id);
CREATE TABLE passkeys (
    id         BLOB PRIMARY KEY, -- the credential's id
    user_id    TEXT NOT NULL REFERENCES users (id),
    public_key BLOB NOT NULL, -- COSE (RFC 9052)
    sign_count INTEGER NOT NULL,
    name       TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    used_ms    INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX passkeys_user ON passkeys (user_id);
