-- What a person knows besides having a phone: a second factor. The passphrase itself is stored nowhere.
CREATE TABLE passphrases (
    user_id   TEXT PRIMARY KEY REFERENCES users (id),
    salt      BLOB NOT NULL,
    hash      BLOB NOT NULL, -- scrypt over the passphrase
    wrong     INTEGER NOT NULL DEFAULT 0, -- tries in a row
    locked_ms INTEGER NOT NULL DEFAULT 0, -- no try counts before this time
    set_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
