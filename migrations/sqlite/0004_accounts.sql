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
