-- Projects in full, tasks, time entries, expenses and invoices. The SQLite file of the same
-- number makes the same tables, columns and constraints; see 0001 for how ids, instants and money
-- are kept.
--
-- `spent_on`, `due_on` and the like are calendar days, `YYYY-MM-DD`, which sort as text. Quantities
-- and hours are in 1/10,000 like money.

ALTER TABLE projects ADD COLUMN search         TEXT    NOT NULL DEFAULT '';
ALTER TABLE projects ADD COLUMN code           TEXT    NULL;
ALTER TABLE projects ADD COLUMN color          TEXT    NULL CHECK (length(color) = 7);
ALTER TABLE projects ADD COLUMN billable       BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE projects ADD COLUMN billing_method TEXT    NOT NULL DEFAULT 'hourly'
    CHECK (billing_method IN ('hourly', 'fixed', 'none'));
ALTER TABLE projects ADD COLUMN billable_rate  BIGINT  NULL CHECK (billable_rate >= 0);
ALTER TABLE projects ADD COLUMN fixed_fee      BIGINT  NULL CHECK (fixed_fee >= 0);
ALTER TABLE projects ADD COLUMN budget_kind    TEXT    NULL CHECK (budget_kind IN ('hours', 'money'));
ALTER TABLE projects ADD COLUMN budget_amount  BIGINT  NULL CHECK (budget_amount >= 0);
ALTER TABLE projects ADD COLUMN budget_period  TEXT    NULL CHECK (budget_period IN ('total', 'monthly'));
ALTER TABLE projects ADD COLUMN starts_on      TEXT    NULL CHECK (length(starts_on) = 10);
ALTER TABLE projects ADD COLUMN ends_on        TEXT    NULL CHECK (length(ends_on) = 10);
ALTER TABLE projects ADD COLUMN notes          TEXT    NULL;
ALTER TABLE projects ADD COLUMN archived_at    BIGINT  NULL;
-- Who is in it, as JSON: what is shown of `project_members`, which is the same to join with.
ALTER TABLE projects ADD COLUMN members        TEXT    NOT NULL DEFAULT '[]';
CREATE INDEX projects_by_client ON projects (organization_id, client_id, created_at, id);
-- What locks time by being archived.
CREATE INDEX projects_archived ON projects (organization_id, id) WHERE archived_at IS NOT NULL;

-- Unique as every index with the id. It makes the currency a part of a key, which PostgreSQL lets
-- change only while nobody is writing what refers to the client: see `work::must_stand`.
CREATE UNIQUE INDEX clients_by_currency ON clients (organization_id, id, currency);

-- The folded name and address that the filter `q` looks in.
ALTER TABLE users ADD COLUMN search TEXT NOT NULL DEFAULT '';

ALTER TABLE project_members ADD COLUMN updated_at BIGINT  NOT NULL DEFAULT 0;
ALTER TABLE project_members ADD COLUMN version    BIGINT  NOT NULL DEFAULT 1 CHECK (version >= 1);

-- What was tracked on a project in a calendar month of `spent_on`: running entries not yet, amounts
-- of billable ones alone. Kept in the transaction of each entry, so that a project with a million
-- entries shows its totals as fast as one with ten.
CREATE TABLE project_months (
    organization_id UUID    NOT NULL,
    project_id      UUID    NOT NULL,
    month           TEXT    NOT NULL CHECK (length(month) = 7),
    tracked_seconds BIGINT  NOT NULL,
    billable_amount BIGINT  NOT NULL,
    PRIMARY KEY (organization_id, project_id, month),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id) ON DELETE CASCADE
);

-- `assignee_ids` is JSON; `task_assignees` is the same to search in.
CREATE TABLE tasks (
    organization_id            UUID    NOT NULL,
    id                         UUID    NOT NULL,
    project_id                 UUID    NOT NULL,
    name                       TEXT    NOT NULL,
    name_key                   TEXT    NOT NULL,
    search                     TEXT    NOT NULL,
    description                TEXT    NULL,
    completed_at               BIGINT  NULL,
    billable                   BOOLEAN NOT NULL,
    billable_rate              BIGINT  NULL CHECK (billable_rate >= 0),
    estimated_seconds          BIGINT  NULL CHECK (estimated_seconds >= 0),
    due_on                     TEXT    NULL CHECK (length(due_on) = 10),
    assignee_ids               TEXT    NOT NULL DEFAULT '[]',
    tracked_seconds            BIGINT  NOT NULL DEFAULT 0,
    external_reference_service TEXT    NULL,
    external_reference_id      TEXT    NULL,
    external_reference_url     TEXT    NULL,
    metadata                   TEXT    NOT NULL DEFAULT '{}',
    version                    BIGINT  NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at                 BIGINT  NOT NULL,
    updated_at                 BIGINT  NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, project_id, name_key),
    -- What entries refer to, so that an entry's task is one of its project.
    UNIQUE (organization_id, project_id, id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id)
);
CREATE INDEX tasks_by_created ON tasks (organization_id, created_at, id);
CREATE INDEX tasks_by_updated ON tasks (organization_id, updated_at, id);
CREATE INDEX tasks_by_project ON tasks (organization_id, project_id, created_at, id);
CREATE INDEX tasks_by_external_reference ON tasks (organization_id, external_reference_id, created_at, id);

-- Whoever is assigned is in the project. `created_at` is the task's, so that the tasks of a member are
-- read in the order of their list.
CREATE TABLE task_assignees (
    organization_id UUID    NOT NULL,
    project_id      UUID    NOT NULL,
    task_id         UUID    NOT NULL,
    member_id       UUID    NOT NULL,
    created_at      BIGINT  NOT NULL,
    PRIMARY KEY (organization_id, task_id, member_id),
    FOREIGN KEY (organization_id, project_id, task_id) REFERENCES tasks (organization_id, project_id, id)
        ON UPDATE CASCADE ON DELETE CASCADE,
    FOREIGN KEY (organization_id, project_id, member_id)
        REFERENCES project_members (organization_id, project_id, member_id)
);
CREATE INDEX task_assignees_by_member ON task_assignees (organization_id, member_id, created_at, task_id);
CREATE INDEX task_assignees_by_project ON task_assignees (organization_id, project_id, member_id, task_id);

-- An invoice has its lines and sums stored from the moment it is sent. Until then it is a draft,
-- whose content is read from what is unbilled; `version` and `updated_at` follow that content.
-- `tax_rate` is in 1/10,000 of a percent.
CREATE TABLE invoices (
    organization_id            UUID    NOT NULL,
    id                         UUID    NOT NULL,
    client_id                  UUID    NOT NULL,
    number                     TEXT    NULL,
    status                     TEXT    NOT NULL CHECK (status IN ('draft', 'sent', 'paid', 'void')),
    currency                   TEXT    NOT NULL CHECK (length(currency) = 3),
    issued_on                  TEXT    NULL CHECK (length(issued_on) = 10),
    due_on                     TEXT    NULL CHECK (length(due_on) = 10),
    period_start               TEXT    NULL CHECK (length(period_start) = 10),
    period_end                 TEXT    NULL CHECK (length(period_end) = 10),
    subtotal                   BIGINT  NOT NULL DEFAULT 0,
    discount                   BIGINT  NOT NULL DEFAULT 0,
    tax_rate                   BIGINT  NOT NULL DEFAULT 0 CHECK (tax_rate BETWEEN 0 AND 1000000),
    tax_amount                 BIGINT  NOT NULL DEFAULT 0,
    total                      BIGINT  NOT NULL DEFAULT 0,
    amount_paid                BIGINT  NOT NULL DEFAULT 0,
    notes                      TEXT    NULL,
    sent_at                    BIGINT  NULL,
    paid_at                    BIGINT  NULL,
    voided_at                  BIGINT  NULL,
    external_reference_service TEXT    NULL,
    external_reference_id      TEXT    NULL,
    external_reference_url     TEXT    NULL,
    metadata                   TEXT    NOT NULL DEFAULT '{}',
    version                    BIGINT  NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at                 BIGINT  NOT NULL,
    updated_at                 BIGINT  NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, number),
    CHECK ((status = 'draft') = (number IS NULL)),
    FOREIGN KEY (organization_id, client_id) REFERENCES clients (organization_id, id)
);
-- One open draft per client, whoever comes first.
CREATE UNIQUE INDEX invoices_draft ON invoices (organization_id, client_id) WHERE status = 'draft';
CREATE INDEX invoices_by_created ON invoices (organization_id, created_at, id);
CREATE INDEX invoices_by_updated ON invoices (organization_id, updated_at, id);
CREATE INDEX invoices_by_client ON invoices (organization_id, client_id, created_at, id);
CREATE INDEX invoices_by_external_reference ON invoices (organization_id, external_reference_id, created_at, id);

-- Written when the invoice is sent, never changed. `time_entry_ids` and `expense_ids` are JSON.
CREATE TABLE invoice_lines (
    organization_id UUID    NOT NULL,
    invoice_id      UUID    NOT NULL,
    position        BIGINT  NOT NULL,
    id              UUID    NOT NULL,
    kind            TEXT    NOT NULL CHECK (kind IN ('time', 'expense', 'fixed')),
    project_id      UUID    NULL,
    description     TEXT    NOT NULL,
    quantity        BIGINT  NOT NULL,
    unit_price      BIGINT  NOT NULL,
    amount          BIGINT  NOT NULL,
    time_entry_ids  TEXT    NOT NULL,
    expense_ids     TEXT    NOT NULL,
    PRIMARY KEY (organization_id, invoice_id, position),
    FOREIGN KEY (organization_id, invoice_id) REFERENCES invoices (organization_id, id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id)
);
CREATE INDEX invoice_lines_fixed ON invoice_lines (organization_id, project_id) WHERE kind = 'fixed';

-- `duration_seconds` is NULL while the entry runs. `order_at` is `started_at`, or where an entry
-- that has only a duration stands among the others: the start of its day in the member's zone.
-- `billable_rate` is the entry's own rate, `rate` the one that applied when it was written. `tags`
-- is JSON; `time_entry_tags` is the same to search in.
CREATE TABLE time_entries (
    organization_id            UUID    NOT NULL,
    id                         UUID    NOT NULL,
    member_id                  UUID    NOT NULL,
    project_id                 UUID    NOT NULL,
    client_id                  UUID    NULL,
    task_id                    UUID    NULL,
    description                TEXT    NULL,
    started_at                 BIGINT  NULL,
    ended_at                   BIGINT  NULL,
    order_at                   BIGINT  NOT NULL,
    spent_on                   TEXT    NOT NULL CHECK (length(spent_on) = 10),
    duration_seconds           BIGINT  NULL CHECK (duration_seconds >= 0),
    rounded_seconds            BIGINT  NULL CHECK (rounded_seconds >= 0),
    billable                   BOOLEAN NOT NULL,
    billable_rate              BIGINT  NULL CHECK (billable_rate >= 0),
    rate                       BIGINT  NULL CHECK (rate >= 0),
    rate_source                TEXT    NULL
        CHECK (rate_source IN ('entry', 'project_member', 'task', 'project', 'member', 'organization')),
    amount                     BIGINT  NULL CHECK (amount >= 0),
    currency                   TEXT    NOT NULL CHECK (length(currency) = 3),
    tags                       TEXT    NOT NULL DEFAULT '[]',
    invoice_id                 UUID    NULL,
    external_reference_service TEXT    NULL,
    external_reference_id      TEXT    NULL,
    external_reference_url     TEXT    NULL,
    metadata                   TEXT    NOT NULL DEFAULT '{}',
    version                    BIGINT  NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at                 BIGINT  NOT NULL,
    updated_at                 BIGINT  NOT NULL,
    PRIMARY KEY (organization_id, id),
    CHECK ((duration_seconds IS NULL) = (started_at IS NOT NULL AND ended_at IS NULL)),
    CHECK ((duration_seconds IS NULL) = (rounded_seconds IS NULL)),
    CHECK (ended_at IS NULL OR ended_at >= started_at),
    FOREIGN KEY (organization_id, member_id) REFERENCES members (organization_id, id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id),
    FOREIGN KEY (organization_id, client_id) REFERENCES clients (organization_id, id),
    FOREIGN KEY (organization_id, project_id, task_id) REFERENCES tasks (organization_id, project_id, id),
    FOREIGN KEY (organization_id, invoice_id) REFERENCES invoices (organization_id, id)
);
-- At most one running timer a member, whoever comes first.
CREATE UNIQUE INDEX time_entries_running ON time_entries (organization_id, member_id) WHERE duration_seconds IS NULL;
-- One for each filter that a list can be read by in its order; see the resource's `list`.
CREATE INDEX time_entries_by_order ON time_entries (organization_id, order_at, id);
CREATE INDEX time_entries_by_updated ON time_entries (organization_id, updated_at, id);
CREATE INDEX time_entries_running_by_order ON time_entries (organization_id, order_at, id) WHERE duration_seconds IS NULL;
CREATE INDEX time_entries_by_member ON time_entries (organization_id, member_id, order_at, id);
CREATE INDEX time_entries_by_member_updated ON time_entries (organization_id, member_id, updated_at, id);
CREATE INDEX time_entries_by_client ON time_entries (organization_id, client_id, order_at, id);
CREATE INDEX time_entries_by_project ON time_entries (organization_id, project_id, order_at, id);
CREATE INDEX time_entries_by_task ON time_entries (organization_id, task_id, order_at, id) WHERE task_id IS NOT NULL;
CREATE INDEX time_entries_by_billable ON time_entries (organization_id, billable, order_at, id);
CREATE INDEX time_entries_by_invoice ON time_entries (organization_id, invoice_id, order_at, id) WHERE invoice_id IS NOT NULL;
CREATE INDEX time_entries_invoiced ON time_entries (organization_id, order_at, id) WHERE invoice_id IS NOT NULL;
CREATE INDEX time_entries_not_invoiced ON time_entries (organization_id, order_at, id) WHERE invoice_id IS NULL;
-- What a member's new span may overlap: hardly anything ends after it begins.
CREATE INDEX time_entries_by_end ON time_entries (organization_id, member_id, ended_at) WHERE ended_at IS NOT NULL;
-- What a draft is made of.
CREATE INDEX time_entries_unbilled ON time_entries (organization_id, client_id, spent_on, id)
    WHERE invoice_id IS NULL AND amount IS NOT NULL;
CREATE INDEX time_entries_by_external_reference
    ON time_entries (organization_id, external_reference_id, order_at, id) WHERE external_reference_id IS NOT NULL;

CREATE TABLE time_entry_tags (
    organization_id UUID    NOT NULL,
    tag             TEXT    NOT NULL,
    order_at        BIGINT  NOT NULL,
    time_entry_id   UUID    NOT NULL,
    PRIMARY KEY (organization_id, tag, order_at, time_entry_id),
    FOREIGN KEY (organization_id, time_entry_id) REFERENCES time_entries (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX time_entry_tags_by_entry ON time_entry_tags (organization_id, time_entry_id);

CREATE TABLE expenses (
    organization_id            UUID    NOT NULL,
    id                         UUID    NOT NULL,
    member_id                  UUID    NOT NULL,
    project_id                 UUID    NOT NULL,
    client_id                  UUID    NULL,
    spent_on                   TEXT    NOT NULL CHECK (length(spent_on) = 10),
    category                   TEXT    NULL,
    description                TEXT    NULL,
    quantity                   BIGINT  NULL CHECK (quantity >= 0),
    unit_price                 BIGINT  NULL CHECK (unit_price >= 0),
    amount                     BIGINT  NOT NULL CHECK (amount >= 0),
    currency                   TEXT    NOT NULL CHECK (length(currency) = 3),
    tax_amount                 BIGINT  NULL CHECK (tax_amount >= 0),
    billable                   BOOLEAN NOT NULL,
    reimbursable               BOOLEAN NOT NULL,
    invoice_id                 UUID    NULL,
    external_reference_service TEXT    NULL,
    external_reference_id      TEXT    NULL,
    external_reference_url     TEXT    NULL,
    metadata                   TEXT    NOT NULL DEFAULT '{}',
    version                    BIGINT  NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at                 BIGINT  NOT NULL,
    updated_at                 BIGINT  NOT NULL,
    PRIMARY KEY (organization_id, id),
    CHECK ((quantity IS NULL) = (unit_price IS NULL)),
    FOREIGN KEY (organization_id, member_id) REFERENCES members (organization_id, id),
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id),
    FOREIGN KEY (organization_id, client_id) REFERENCES clients (organization_id, id),
    FOREIGN KEY (organization_id, invoice_id) REFERENCES invoices (organization_id, id)
);
CREATE INDEX expenses_by_created ON expenses (organization_id, created_at, id);
CREATE INDEX expenses_by_updated ON expenses (organization_id, updated_at, id);
CREATE INDEX expenses_by_member ON expenses (organization_id, member_id, created_at, id);
CREATE INDEX expenses_by_client ON expenses (organization_id, client_id, created_at, id);
CREATE INDEX expenses_by_project ON expenses (organization_id, project_id, created_at, id);
CREATE INDEX expenses_by_invoice ON expenses (organization_id, invoice_id);
CREATE INDEX expenses_unbilled ON expenses (organization_id, client_id, spent_on, id)
    WHERE invoice_id IS NULL AND billable;
CREATE INDEX expenses_by_external_reference ON expenses (organization_id, external_reference_id, created_at, id);

-- Numbers without gaps: of invoices, and of the events of an organization.
CREATE TABLE counters (
    organization_id UUID    NOT NULL REFERENCES organizations (id),
    name            TEXT    NOT NULL CHECK (name IN ('invoice', 'event')),
    value           BIGINT  NOT NULL CHECK (value >= 0),
    PRIMARY KEY (organization_id, name)
);

-- Who may do what only one may do at a time. `token` grows with each holder (a fencing token), so
-- that whoever was away too long finds that its time is over.
CREATE TABLE leases (
    name       TEXT    NOT NULL PRIMARY KEY,
    holder     UUID    NOT NULL,
    token      BIGINT  NOT NULL CHECK (token >= 1),
    expires_at BIGINT  NOT NULL
);

-- What waits for its sequence, of all organizations, in the order in which it was written. It takes
-- the place of an index by organization, which nothing asks.
CREATE INDEX events_by_waiting ON events (position) WHERE sequence IS NULL;
DROP INDEX events_unsequenced;
