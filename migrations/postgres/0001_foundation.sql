-- Organizations and their people, API tokens, clients, project access, idempotency records and
-- the outbox. The SQLite file of the same number makes the same tables, columns and constraints.
--
-- Ids are UUIDv7 from the application, instants microseconds since the epoch, money 1/10,000 of
-- the currency unit, durations whole seconds. `organization_id` stands in every key, and foreign
-- keys carry it, so that a reference into another organization cannot be stored.

CREATE TABLE organizations (
    id                         UUID    NOT NULL PRIMARY KEY,
    name                       TEXT    NOT NULL,
    slug                       TEXT    NOT NULL UNIQUE,
    plan                       TEXT    NOT NULL CHECK (plan IN ('free', 'studio', 'agency')),
    currency                   TEXT    NOT NULL CHECK (length(currency) = 3),
    timezone                   TEXT    NOT NULL,
    week_start                 TEXT    NOT NULL DEFAULT 'monday'
        CHECK (week_start IN ('monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday')),
    default_billable_rate      BIGINT  NULL CHECK (default_billable_rate >= 0),
    rounding_mode              TEXT    NOT NULL DEFAULT 'none'
        CHECK (rounding_mode IN ('none', 'up', 'down', 'nearest')),
    rounding_minutes           BIGINT  NOT NULL DEFAULT 1 CHECK (rounding_minutes BETWEEN 1 AND 1440),
    rounding_target            TEXT    NOT NULL DEFAULT 'entry' CHECK (rounding_target IN ('entry')),
    allow_overlap              BOOLEAN NOT NULL DEFAULT TRUE,
    lock_before                TEXT    NULL CHECK (length(lock_before) = 10),
    weekly_capacity_seconds    BIGINT  NOT NULL DEFAULT 144000
        CHECK (weekly_capacity_seconds BETWEEN 0 AND 604800),
    external_reference_service TEXT    NULL,
    external_reference_id      TEXT    NULL,
    external_reference_url     TEXT    NULL,
    metadata                   TEXT    NOT NULL DEFAULT '{}',
    version                    BIGINT  NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at                 BIGINT  NOT NULL,
    updated_at                 BIGINT  NOT NULL
);

-- A person, who may be a member of several organizations. `email_key` is the folded address.
CREATE TABLE users (
    id            UUID   NOT NULL PRIMARY KEY,
    name          TEXT   NOT NULL,
    email         TEXT   NOT NULL,
    email_key     TEXT   NOT NULL UNIQUE,
    password_hash TEXT   NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);

CREATE TABLE members (
    organization_id            UUID   NOT NULL REFERENCES organizations (id),
    id                         UUID   NOT NULL,
    user_id                    UUID   NOT NULL REFERENCES users (id),
    role                       TEXT   NOT NULL CHECK (role IN ('owner', 'admin', 'manager', 'member')),
    status                     TEXT   NOT NULL CHECK (status IN ('active', 'invited', 'removed')),
    timezone                   TEXT   NULL,
    billable_rate              BIGINT NULL CHECK (billable_rate >= 0),
    cost_rate                  BIGINT NULL CHECK (cost_rate >= 0),
    weekly_capacity_seconds    BIGINT NULL CHECK (weekly_capacity_seconds BETWEEN 0 AND 604800),
    external_reference_service TEXT   NULL,
    external_reference_id      TEXT   NULL,
    external_reference_url     TEXT   NULL,
    metadata                   TEXT   NOT NULL DEFAULT '{}',
    version                    BIGINT NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at                 BIGINT NOT NULL,
    updated_at                 BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, user_id)
);
CREATE INDEX members_by_user ON members (user_id);
CREATE INDEX members_by_created ON members (organization_id, created_at, id);
CREATE INDEX members_by_updated ON members (organization_id, updated_at, id);
CREATE INDEX members_by_external_reference ON members (organization_id, external_reference_id, created_at, id);

-- The secret itself is never stored: `digest` is its keyed SHA-256, by which a token is found.
CREATE TABLE api_tokens (
    organization_id UUID   NOT NULL,
    id              UUID   NOT NULL,
    member_id       UUID   NOT NULL,
    name            TEXT   NOT NULL,
    digest          BYTEA  NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    last_four       TEXT   NOT NULL CHECK (length(last_four) = 4),
    scope           TEXT   NOT NULL CHECK (scope IN ('read', 'write')),
    expires_at      BIGINT NULL,
    revoked_at      BIGINT NULL,
    last_used_at    BIGINT NULL,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, member_id) REFERENCES members (organization_id, id)
);
CREATE INDEX api_tokens_by_member ON api_tokens (organization_id, member_id, created_at, id);

-- `name_key` is the folded name. `search` is the folded text that the filter `q` looks in.
CREATE TABLE clients (
    organization_id            UUID   NOT NULL REFERENCES organizations (id),
    id                         UUID   NOT NULL,
    name                       TEXT   NOT NULL,
    name_key                   TEXT   NOT NULL,
    search                     TEXT   NOT NULL,
    number                     TEXT   NULL,
    currency                   TEXT   NOT NULL CHECK (length(currency) = 3),
    email                      TEXT   NULL,
    phone                      TEXT   NULL,
    address                    TEXT   NULL,
    vat_id                     TEXT   NULL,
    billable_rate              BIGINT NULL CHECK (billable_rate >= 0),
    payment_terms_days         BIGINT NULL CHECK (payment_terms_days >= 0),
    notes                      TEXT   NULL,
    archived_at                BIGINT NULL,
    external_reference_service TEXT   NULL,
    external_reference_id      TEXT   NULL,
    external_reference_url     TEXT   NULL,
    metadata                   TEXT   NOT NULL DEFAULT '{}',
    version                    BIGINT NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at                 BIGINT NOT NULL,
    updated_at                 BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, name_key)
);
CREATE INDEX clients_by_created ON clients (organization_id, created_at, id);
CREATE INDEX clients_by_updated ON clients (organization_id, updated_at, id);
CREATE INDEX clients_by_external_reference ON clients (organization_id, external_reference_id, created_at, id);

CREATE TABLE projects (
    organization_id            UUID   NOT NULL REFERENCES organizations (id),
    id                         UUID   NOT NULL,
    client_id                  UUID   NULL,
    name                       TEXT   NOT NULL,
    name_key                   TEXT   NOT NULL,
    external_reference_service TEXT   NULL,
    external_reference_id      TEXT   NULL,
    external_reference_url     TEXT   NULL,
    metadata                   TEXT   NOT NULL DEFAULT '{}',
    version                    BIGINT NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at                 BIGINT NOT NULL,
    updated_at                 BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, client_id, name_key),
    FOREIGN KEY (organization_id, client_id) REFERENCES clients (organization_id, id)
);
-- A unique constraint takes NULLs as distinct: projects without a client need their own.
CREATE UNIQUE INDEX projects_by_name_without_client
    ON projects (organization_id, name_key) WHERE client_id IS NULL;
CREATE INDEX projects_by_created ON projects (organization_id, created_at, id);
CREATE INDEX projects_by_updated ON projects (organization_id, updated_at, id);
CREATE INDEX projects_by_external_reference ON projects (organization_id, external_reference_id, created_at, id);

CREATE TABLE project_members (
    organization_id UUID   NOT NULL,
    project_id      UUID   NOT NULL,
    member_id       UUID   NOT NULL,
    billable_rate   BIGINT NULL CHECK (billable_rate >= 0),
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (organization_id, project_id, member_id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id),
    FOREIGN KEY (organization_id, member_id) REFERENCES members (organization_id, id)
);
CREATE INDEX project_members_by_member ON project_members (organization_id, member_id, project_id);

-- An answer is NULL only inside the transaction that claims the key; see `store::idempotency`.
CREATE TABLE idempotency_records (
    organization_id UUID   NOT NULL,
    member_id       UUID   NOT NULL,
    key             TEXT   NOT NULL,
    fingerprint     BYTEA  NOT NULL CHECK (octet_length(fingerprint) = 32),
    status          BIGINT NULL CHECK (status BETWEEN 200 AND 499),
    headers         TEXT   NULL,
    body            BYTEA  NULL,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (organization_id, member_id, key),
    FOREIGN KEY (organization_id, member_id) REFERENCES members (organization_id, id)
);
CREATE INDEX idempotency_records_by_created ON idempotency_records (created_at);

-- The outbox and the log. The database numbers `position` as rows are written; the relay gives
-- `sequence` once they are committed, gapless per organization, and only then is a row public.
CREATE TABLE events (
    position        BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- No reference: every change writes an event with much in hand, and would wait for whoever holds
    -- the organization and waits for it.
    organization_id UUID   NOT NULL,
    id              UUID   NOT NULL,
    sequence        BIGINT NULL CHECK (sequence >= 1),
    type            TEXT   NOT NULL,
    resource_id     UUID   NOT NULL,
    api_version     TEXT   NOT NULL,
    data            TEXT   NOT NULL,
    trace_parent    TEXT   NULL,
    created_at      BIGINT NOT NULL
);
CREATE INDEX events_unsequenced ON events (organization_id, position) WHERE sequence IS NULL;
-- Of public events alone: each entry here is one that the change itself need not write. What is public has one
-- index by number; all others have their condition in a form of its own, which must stand in a statement that is
-- to use them. Where statistics are of a time at which hardly any event had a number, PostgreSQL takes whatever
-- `sequence IS NOT NULL` leads to for next to nothing, and would read all of it.
CREATE UNIQUE INDEX events_by_sequence ON events (organization_id, sequence) WHERE sequence IS NOT NULL;
CREATE UNIQUE INDEX events_by_id ON events (id) WHERE COALESCE(sequence, 0) > 0;
CREATE INDEX events_by_resource ON events (organization_id, resource_id, sequence) WHERE COALESCE(sequence, 0) > 0;
CREATE INDEX events_by_type ON events (organization_id, type, sequence) WHERE COALESCE(sequence, 0) > 0;
