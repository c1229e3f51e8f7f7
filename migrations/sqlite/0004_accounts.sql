-- Accounts: sessions of the app. The PostgreSQL file of the same number makes the same tables, columns and
-- constraints; see 0001 for how ids and instants are kept. A user's password stands in
-- `users.password_hash` (argon2id, in PHC form), NULL for one who cannot log in.
--
-- A session is a person's, not an organization's: `organization_id` says which one it acts in, NULL
-- for someone who is in none. The secret is never stored: `digest` is its keyed hash. `user_agent` is
-- what the browser said it is when the session began, for the person to know it by.

CREATE TABLE sessions (
    id              BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id         BLOB NOT NULL REFERENCES users (id),
    organization_id BLOB NULL REFERENCES organizations (id),
    digest          BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    user_agent      TEXT NOT NULL CHECK (length(user_agent) <= 256),
    created_at      INTEGER NOT NULL,
    seen_at         INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id, created_at, id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- A link by which somebody becomes the member that it names; `digest` is the keyed hash of its secret.
-- At most one a member: a new one takes the place of the one before, and whoever accepts uses it up.
-- `invited_by` is NULL where the operator made it, whose link also replaces a password.
CREATE TABLE invitations (
    organization_id BLOB NOT NULL,
    member_id       BLOB NOT NULL,
    digest          BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    invited_by      BLOB NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    PRIMARY KEY (organization_id, member_id),
    FOREIGN KEY (organization_id, member_id) REFERENCES members (organization_id, id),
    FOREIGN KEY (organization_id, invited_by) REFERENCES members (organization_id, id)
) STRICT;
