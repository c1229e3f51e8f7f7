-- Webhooks: where events are sent, what was sent and what became of it. The SQLite file of the
-- same number makes the same tables, columns and constraints; see 0001 for how ids, instants and
-- money are kept.

-- What has become of an event since it is public: whether it was published to subscribers, and
-- whether it has its deliveries. Both are found by these indexes, which hold only what waits, and by no other:
-- their condition on the number is in a form that no index of what is public has. Each organization's are taken
-- by their numbers, so that they go out in its order and hold nobody else's back.
ALTER TABLE events ADD COLUMN published  BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE events ADD COLUMN fanned_out BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX events_to_publish ON events (organization_id, sequence) WHERE COALESCE(sequence, 0) > 0 AND NOT published;
CREATE INDEX events_to_fan_out ON events (organization_id, sequence) WHERE COALESCE(sequence, 0) > 0 AND NOT fanned_out;

-- An answer that holds a secret is kept here, sealed, and not in `body`.
ALTER TABLE idempotency_records ADD COLUMN sealed_body BYTEA NULL;

-- `events` is a JSON array of filters. Secrets are sealed; the previous one signs as well until
-- `previous_secret_until`. `due_at` is when the first of its pending deliveries is due, NULL while there
-- are none: by it the endpoints that have something to do are found, however many deliveries wait
-- behind each. A deleted endpoint is disabled and nobody sees it; its row goes once nothing waits for
-- it. `proven` says that its last attempt succeeded, and promptly. `served_at` is when it was last
-- given work, so that all get their turn; `paced_until` is from when on its rate permits the next.
CREATE TABLE webhook_endpoints (
    organization_id            UUID    NOT NULL REFERENCES organizations (id),
    id                         UUID    NOT NULL,
    url                        TEXT    NOT NULL,
    description                TEXT    NULL,
    events                     TEXT    NOT NULL,
    status                     TEXT    NOT NULL CHECK (status IN ('enabled', 'failing', 'disabled')),
    secret                     BYTEA   NOT NULL,
    previous_secret            BYTEA   NULL,
    previous_secret_until      BIGINT  NULL,
    consecutive_failures       BIGINT  NOT NULL DEFAULT 0 CHECK (consecutive_failures >= 0),
    failing_since              BIGINT  NULL,
    last_success_at            BIGINT  NULL,
    proven                     BOOLEAN NOT NULL DEFAULT FALSE,
    due_at                     BIGINT  NULL,
    served_at                  BIGINT  NOT NULL DEFAULT 0,
    paced_until                BIGINT  NOT NULL DEFAULT 0,
    deleted_at                 BIGINT  NULL CHECK (deleted_at IS NULL OR status = 'disabled'),
    external_reference_service TEXT    NULL,
    external_reference_id      TEXT    NULL,
    external_reference_url     TEXT    NULL,
    metadata                   TEXT    NOT NULL DEFAULT '{}',
    version                    BIGINT  NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at                 BIGINT  NOT NULL,
    updated_at                 BIGINT  NOT NULL,
    PRIMARY KEY (organization_id, id),
    CHECK ((previous_secret IS NULL) = (previous_secret_until IS NULL))
);
CREATE INDEX webhook_endpoints_by_created ON webhook_endpoints (organization_id, created_at, id);
CREATE INDEX webhook_endpoints_by_updated ON webhook_endpoints (organization_id, updated_at, id);
CREATE INDEX webhook_endpoints_by_external_reference
    ON webhook_endpoints (organization_id, external_reference_id, created_at, id) WHERE external_reference_id IS NOT NULL;
CREATE INDEX webhook_endpoints_due ON webhook_endpoints (due_at) WHERE due_at IS NOT NULL;
-- Apart, so that however many dead ones wait, those that answer are found without them.
CREATE INDEX webhook_endpoints_proven_due ON webhook_endpoints (due_at, served_at) WHERE due_at IS NOT NULL AND proven;
CREATE INDEX webhook_endpoints_on_probation_due
    ON webhook_endpoints (due_at, served_at) WHERE due_at IS NOT NULL AND NOT proven;

-- One row for each event and endpoint, for what was skipped too. `endpoint_id` is no foreign key: the
-- history of a deleted endpoint stays readable. `lease_token` grows with each claim (a fencing token): an
-- attempt is recorded by whoever holds the row's present one.
CREATE TABLE webhook_deliveries (
    organization_id UUID    NOT NULL REFERENCES organizations (id),
    id              UUID    NOT NULL,
    endpoint_id     UUID    NOT NULL,
    event_id        UUID    NOT NULL,
    status          TEXT    NOT NULL CHECK (status IN ('pending', 'delivered', 'failed', 'skipped')),
    skip_reason     TEXT    NULL CHECK (skip_reason IN ('plan', 'disabled', 'deleted')),
    attempts        BIGINT  NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    step            BIGINT  NOT NULL DEFAULT 0 CHECK (step >= 0),
    next_attempt_at BIGINT  NULL,
    lease_token     BIGINT  NOT NULL DEFAULT 0,
    lease_until     BIGINT  NULL,
    version         BIGINT  NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at      BIGINT  NOT NULL,
    updated_at      BIGINT  NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, event_id, endpoint_id),
    CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL)),
    CHECK ((status = 'skipped') = (skip_reason IS NOT NULL))
);
CREATE INDEX webhook_deliveries_by_created ON webhook_deliveries (organization_id, created_at, id);
CREATE INDEX webhook_deliveries_by_updated ON webhook_deliveries (organization_id, updated_at, id);
CREATE INDEX webhook_deliveries_by_endpoint ON webhook_deliveries (organization_id, endpoint_id, created_at, id);
CREATE INDEX webhook_deliveries_by_status ON webhook_deliveries (organization_id, status, created_at, id);
-- What an endpoint has to do, in the order in which it is due.
CREATE INDEX webhook_deliveries_due
    ON webhook_deliveries (organization_id, endpoint_id, next_attempt_at, id) WHERE status = 'pending';
-- What is being sent to an endpoint.
CREATE INDEX webhook_deliveries_leased
    ON webhook_deliveries (organization_id, endpoint_id, lease_until) WHERE lease_until IS NOT NULL;
-- What waits longest, over all endpoints.
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (next_attempt_at) WHERE status = 'pending';
-- What is old enough to go, by when it was decided; what is pending never is.
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (updated_at, id) WHERE status <> 'pending';

CREATE TABLE webhook_attempts (
    organization_id  UUID    NOT NULL,
    delivery_id      UUID    NOT NULL,
    number           BIGINT  NOT NULL CHECK (number >= 1),
    at               BIGINT  NOT NULL,
    url              TEXT    NOT NULL,
    status_code      BIGINT  NULL,
    duration_ms      BIGINT  NOT NULL CHECK (duration_ms >= 0),
    error            TEXT    NULL,
    response_excerpt TEXT    NULL,
    PRIMARY KEY (organization_id, delivery_id, number),
    FOREIGN KEY (organization_id, delivery_id) REFERENCES webhook_deliveries (organization_id, id) ON DELETE CASCADE
);

-- What is old enough to go.
CREATE INDEX events_by_age ON events (created_at, position) WHERE COALESCE(sequence, 0) > 0;
