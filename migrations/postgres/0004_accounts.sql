-- Accounts: sessions of the app. The SQLite file of the same number makes the same tables, columns and
-- constraints; see 0001 for how ids and instants are kept. A user's password stands in
-- `users.password_hash` (argon2id, in PHC form), NULL for one who cannot log in.
--
-- A session is a person's, not an organization's: `organization_id` says which one it acts in, NULL
-- for someone who is in none. The secret is never stored: `digest` is its keyed hash. `user_agent` is
-- what the browser said it is when the session began, for the person to know it by.

CREATE TABLE sessions (
    id              UUID NOT NULL PRIMARY KEY,
    user_id         UUID NOT NULL REFERENCES users (id),
    organization_id UUID NULL REFERENCES organizations (id),
    digest          BYTEA NOT NULL UNIQUE CHECK (length(digest) = 32),
    user_agent      TEXT NOT NULL CHECK (length(user_agent) <= 256),
    created_at      BIGINT NOT NULL,
    seen_at         BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id, created_at, id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- A link by which somebody becomes the member that it names; `digest` is the keyed hash of its secret.
-- At most one a member: a new one takes the place of the one before, and whoever accepts uses it up.
-- `invited_by` is NULL where the operator made it, whose link also replaces a password.
CREATE TABLE invitations (
    organization_id UUID NOT NULL,
    member_id       UUID NOT NULL,
    digest          BYTEA NOT NULL UNIQUE CHECK (length(digest) = 32),
    invited_by      UUID NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    PRIMARY KEY (organization_id, member_id),
    FOREIGN KEY (organization_id, member_id) REFERENCES members (organization_id, id),
    FOREIGN KEY (organization_id, invited_by) REFERENCES members (organization_id, id)
);
