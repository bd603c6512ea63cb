-- How the writer of a message proved who they are: mail, sms (a link too), terminal, passkey, oidc, token. '' = not known.
ALTER TABLE turns ADD COLUMN way TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE approvals ADD COLUMN way TEXT COLLATE "C" NOT NULL DEFAULT ''; -- of the turn that makes the call
