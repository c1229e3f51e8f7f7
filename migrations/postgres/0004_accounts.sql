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
