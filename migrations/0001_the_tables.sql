-- Ids are text: a prefix that names the type, and 26 characters that sort by time of creation.
-- Closed lists are held by CHECK constraints, so that no process can write a word that the code does not know.

CREATE TABLE installation (
    "only" boolean PRIMARY KEY DEFAULT true CHECK ("only"),
    id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE organization (
    id text PRIMARY KEY CHECK (id LIKE 'org\_%'),
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 120),
    version integer NOT NULL DEFAULT 1,
    seq bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE project (
    id text PRIMARY KEY CHECK (id LIKE 'prj\_%'),
    organization_id text NOT NULL REFERENCES organization ON DELETE CASCADE,
    name text NOT NULL CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 120),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (organization_id, name)
);

CREATE TABLE "user" (
    id text PRIMARY KEY CHECK (id LIKE 'usr\_%'),
    email text NOT NULL CHECK (length(email) BETWEEN 3 AND 254 AND email = lower(email)),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (email)
);

CREATE TABLE membership (
    id text PRIMARY KEY CHECK (id LIKE 'mbr\_%'),
    organization_id text NOT NULL REFERENCES organization ON DELETE CASCADE,
    user_id text NOT NULL REFERENCES "user" ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('OWNER', 'READER')),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (organization_id, user_id)
);
CREATE INDEX membership_user ON membership (user_id);

CREATE TABLE environment (
    id text PRIMARY KEY CHECK (id LIKE 'env\_%'),
    organization_id text NOT NULL REFERENCES organization ON DELETE CASCADE,
    name text NOT NULL CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 120),
    type text NOT NULL CHECK (type IN ('PROD', 'STAGING', 'TEST', 'DEV', 'FEATURE')),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (organization_id, name)
);

CREATE TABLE cluster (
    id text PRIMARY KEY CHECK (id LIKE 'cls\_%'),
    organization_id text NOT NULL REFERENCES organization ON DELETE CASCADE,
    name text NOT NULL CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 120),
    kind text NOT NULL CHECK (kind IN ('KUBECONFIG', 'IN_CLUSTER', 'SIMULATOR')),
    server text NOT NULL DEFAULT '',
    kubeconfig text,                        -- sealed by the keyring with this row's id
    uid text NOT NULL CHECK (uid <> ''),    -- of its kube-system namespace: what the cluster is
    kubernetes_version text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'SYNCING'
        CHECK (state IN ('CONNECTED', 'SYNCING', 'DEGRADED', 'UNREACHABLE', 'AUTH_FAILED')),
    state_reason text NOT NULL DEFAULT '',
    state_since timestamptz NOT NULL DEFAULT now(),
    checks jsonb NOT NULL DEFAULT '[]',
    checked_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    removed_at timestamptz,
    CHECK (kind <> 'KUBECONFIG' OR kubeconfig IS NOT NULL OR removed_at IS NOT NULL)
);
CREATE UNIQUE INDEX cluster_name ON cluster (organization_id, name) WHERE removed_at IS NULL;

CREATE TABLE service (
    id text PRIMARY KEY CHECK (id LIKE 'svc\_%'),
    organization_id text NOT NULL REFERENCES organization ON DELETE CASCADE,
    name text NOT NULL CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    title text NOT NULL,
    type text NOT NULL,
    latest_number integer NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (organization_id, name)
);

CREATE TABLE service_revision (
    id text PRIMARY KEY CHECK (id LIKE 'srv\_%'),
    organization_id text NOT NULL REFERENCES organization ON DELETE CASCADE,
    service_id text NOT NULL REFERENCES service ON DELETE CASCADE,
    number integer NOT NULL CHECK (number > 0),
    source text NOT NULL,                   -- as imported
    manifest jsonb NOT NULL,                -- with what it inherits
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (service_id, number)
);

CREATE TABLE stack (
    id text PRIMARY KEY CHECK (id LIKE 'stk\_%'),
    organization_id text NOT NULL REFERENCES organization ON DELETE CASCADE,
    name text NOT NULL CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    title text NOT NULL,
    latest_number integer NOT NULL DEFAULT 0,  -- of the latest published revision; 0: none yet
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (organization_id, name)
);

-- A stack has at most one draft and any number of published revisions; all are rows of one shape.
CREATE TABLE stack_revision (
    id text PRIMARY KEY CHECK (id LIKE 'srn\_%'),
    organization_id text NOT NULL REFERENCES organization ON DELETE CASCADE,
    stack_id text NOT NULL REFERENCES stack ON DELETE CASCADE,
    number integer CHECK (number > 0),      -- null: the draft
    source text NOT NULL,
    manifest jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    UNIQUE (stack_id, number),
    CHECK ((number IS NULL) = (published_at IS NULL))
);
CREATE UNIQUE INDEX stack_revision_draft ON stack_revision (stack_id) WHERE number IS NULL;

CREATE TABLE stack_service (
    id text PRIMARY KEY CHECK (id LIKE 'sse\_%'),
    stack_revision_id text NOT NULL REFERENCES stack_revision ON DELETE CASCADE,
    position integer NOT NULL,
    name text NOT NULL,
    title text NOT NULL,
    service_revision_id text NOT NULL REFERENCES service_revision,
    pinned boolean NOT NULL,
    required boolean NOT NULL,
    disabled boolean NOT NULL,
    main boolean NOT NULL,
    UNIQUE (stack_revision_id, name)
);

CREATE TABLE app (
    id text PRIMARY KEY CHECK (id LIKE 'app\_%'),
    organization_id text NOT NULL REFERENCES organization ON DELETE CASCADE,
    project_id text REFERENCES project,
    stack_id text NOT NULL REFERENCES stack,
    name text NOT NULL CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 120),
    version integer NOT NULL DEFAULT 1,
    seq bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE UNIQUE INDEX app_name ON app (organization_id, name) WHERE deleted_at IS NULL;

CREATE TABLE instance (
    id text PRIMARY KEY CHECK (id LIKE 'ins\_%'),
    organization_id text NOT NULL REFERENCES organization ON DELETE CASCADE,
    app_id text NOT NULL REFERENCES app ON DELETE CASCADE,
    environment_id text REFERENCES environment ON DELETE SET NULL,  -- null: deleted after the instance was
    cluster_id text NOT NULL REFERENCES cluster,
    stack_revision_id text NOT NULL REFERENCES stack_revision,
    name text NOT NULL CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 120),
    namespace text NOT NULL CHECK (namespace ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    cluster_uid text NOT NULL,
    namespace_uid text,
    state text NOT NULL
        CHECK (state IN ('CREATING', 'AWAITING', 'DEPLOYING', 'IMPORTING', 'OK', 'ERRORED', 'DELETING')),
    state_before text CHECK (state_before IN ('AWAITING', 'OK')),
    state_since timestamptz NOT NULL DEFAULT now(),
    failed_task_id text,                    -- why it is errored
    holding jsonb NOT NULL DEFAULT '[]',    -- what holds its namespace up while it is deleted
    inventory jsonb NOT NULL DEFAULT '[]',  -- what was applied: [{kind, name, uid}]
    version integer NOT NULL DEFAULT 1,
    seq bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CHECK (environment_id IS NOT NULL OR deleted_at IS NOT NULL),
    CHECK ((state = 'ERRORED') = (failed_task_id IS NOT NULL AND deleted_at IS NULL))
);
CREATE UNIQUE INDEX instance_name ON instance (app_id, name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX instance_namespace ON instance (cluster_uid, namespace) WHERE deleted_at IS NULL;
CREATE INDEX instance_list ON instance (organization_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX instance_cluster ON instance (cluster_id) WHERE deleted_at IS NULL;

-- A namespace that may still be there after a forced deletion: its name stays blocked until it is gone.
CREATE TABLE abandoned_namespace (
    id text PRIMARY KEY CHECK (id LIKE 'abn\_%'),
    organization_id text NOT NULL REFERENCES organization ON DELETE CASCADE,
    cluster_id text NOT NULL REFERENCES cluster,
    cluster_uid text NOT NULL,
    namespace text NOT NULL,
    namespace_uid text,
    instance_id text NOT NULL,
    task_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (cluster_uid, namespace)
);

CREATE TABLE app_service (
    id text PRIMARY KEY CHECK (id LIKE 'aps\_%'),
    organization_id text NOT NULL REFERENCES organization ON DELETE CASCADE,
    app_id text NOT NULL REFERENCES app ON DELETE CASCADE,
    instance_id text NOT NULL REFERENCES instance ON DELETE CASCADE,
    service_revision_id text NOT NULL REFERENCES service_revision,
    position integer NOT NULL,
    name text NOT NULL,
    title text NOT NULL,
    type text NOT NULL,
    required boolean NOT NULL,
    main boolean NOT NULL,
    enabled boolean NOT NULL,
    replicas integer CHECK (replicas BETWEEN 0 AND 100),  -- null: as the stack says
    option_version text,                                 -- null: as the stack says
    state text NOT NULL DEFAULT 'NEW' CHECK (state IN ('NEW', 'DEPLOYING', 'OK', 'DISABLED', 'ERRORED')),
    deployed_revision_id text REFERENCES service_revision,  -- null: no usable deployment yet
    needs_redeploy boolean NOT NULL DEFAULT false,
    ready integer,
    desired integer,
    reason text NOT NULL DEFAULT '',
    observed_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (instance_id, name)
);

-- Values that were made once for an app service (passwords) and live as long as it does.
CREATE TABLE app_service_token (
    id text PRIMARY KEY CHECK (id LIKE 'val\_%'),
    app_service_id text NOT NULL REFERENCES app_service ON DELETE CASCADE,
    name text NOT NULL,
    sealed text NOT NULL,
    UNIQUE (app_service_id, name)
);

CREATE TABLE variable (
    id text PRIMARY KEY CHECK (id LIKE 'var\_%'),
    app_service_id text NOT NULL REFERENCES app_service ON DELETE CASCADE,
    name text NOT NULL CHECK (name ~ '^[A-Za-z_.-][A-Za-z0-9_.-]{0,252}$'),
    value text,
    sealed text,                            -- by the keyring with this row's id
    UNIQUE (app_service_id, name),
    CHECK ((value IS NULL) <> (sealed IS NULL))
);

CREATE TABLE token (
    id text PRIMARY KEY CHECK (id LIKE 'tok\_%'),
    user_id text NOT NULL REFERENCES "user" ON DELETE CASCADE,
    organization_id text REFERENCES organization ON DELETE CASCADE,  -- null: all of its user's
    app_id text REFERENCES app ON DELETE CASCADE,
    instance_id text REFERENCES instance ON DELETE CASCADE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    hash text NOT NULL UNIQUE,              -- SHA-256 of the secret part; the secret itself is shown once
    scope text NOT NULL CHECK (scope IN ('READ', 'OPERATE', 'CONFIGURE', 'ADMIN')),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    CHECK (app_id IS NULL OR organization_id IS NOT NULL),
    CHECK (instance_id IS NULL OR app_id IS NOT NULL)
);
CREATE INDEX token_user ON token (user_id);

CREATE TABLE task (
    id text PRIMARY KEY CHECK (id LIKE 'tsk\_%'),
    ordinal bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    organization_id text NOT NULL REFERENCES organization ON DELETE CASCADE,
    app_id text REFERENCES app ON DELETE CASCADE,
    instance_id text REFERENCES instance ON DELETE CASCADE,
    cluster_id text REFERENCES cluster,
    kind text NOT NULL,
    title text NOT NULL,
    state text NOT NULL CHECK (state IN ('PENDING', 'QUEUED', 'IN_PROGRESS', 'BACKED_OFF', 'CANCELING',
                                         'DONE', 'DONE_WITH_WARNINGS', 'FAILED', 'TIMED_OUT', 'CANCELED')),
    input jsonb NOT NULL DEFAULT '{}',      -- ids and plain choices, never a secret
    author_id text REFERENCES "user",       -- null: the system
    origin_task_id text REFERENCES task,
    repeats_task_id text REFERENCES task,
    progress integer NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
    failure jsonb,
    warnings jsonb NOT NULL DEFAULT '[]',
    cancel_requested_at timestamptz,
    deadline_at timestamptz NOT NULL,
    run_after timestamptz NOT NULL DEFAULT now(),
    attempt integer NOT NULL DEFAULT 0,
    lease_token text,
    lease_until timestamptz,
    worker text,
    seq bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    ended_at timestamptz,
    CHECK ((ended_at IS NOT NULL) = (state IN ('DONE', 'DONE_WITH_WARNINGS', 'FAILED', 'TIMED_OUT', 'CANCELED'))),
    CHECK (ended_at IS NULL OR lease_token IS NULL)
);
CREATE INDEX task_active ON task (instance_id, ordinal) WHERE ended_at IS NULL;
CREATE INDEX task_ready ON task (run_after) WHERE ended_at IS NULL;
CREATE INDEX task_list ON task (organization_id, created_at, id);
CREATE INDEX task_instance ON task (instance_id, created_at, id);
CREATE INDEX task_app ON task (app_id, created_at, id);

ALTER TABLE instance ADD FOREIGN KEY (failed_task_id) REFERENCES task;

CREATE TABLE job (
    id text PRIMARY KEY CHECK (id LIKE 'job\_%'),
    task_id text NOT NULL REFERENCES task ON DELETE CASCADE,
    position integer NOT NULL,
    name text NOT NULL,
    title text NOT NULL,
    after text[] NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'PENDING'
        CHECK (state IN ('PENDING', 'IN_PROGRESS', 'DONE', 'FAILED', 'CANCELED', 'SKIPPED')),
    UNIQUE (task_id, name)
);

CREATE TABLE step (
    id text PRIMARY KEY CHECK (id LIKE 'stp\_%'),
    task_id text NOT NULL REFERENCES task ON DELETE CASCADE,
    job_id text NOT NULL REFERENCES job ON DELETE CASCADE,
    position integer NOT NULL,
    name text NOT NULL,
    title text NOT NULL,
    state text NOT NULL DEFAULT 'PENDING'
        CHECK (state IN ('PENDING', 'IN_PROGRESS', 'DONE', 'FAILED', 'CANCELED', 'SKIPPED')),
    message text NOT NULL DEFAULT '',       -- how far it is, in words
    started_at timestamptz,
    ended_at timestamptz,
    UNIQUE (job_id, name)
);
CREATE INDEX step_task ON step (task_id);

CREATE TABLE log_line (
    step_id text NOT NULL REFERENCES step ON DELETE CASCADE,
    number integer NOT NULL,
    level text NOT NULL DEFAULT 'INFO' CHECK (level IN ('INFO', 'WARNING', 'ERROR')),
    message text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (step_id, number)
);

CREATE TABLE deployment (
    id text PRIMARY KEY CHECK (id LIKE 'dpl\_%'),
    organization_id text NOT NULL REFERENCES organization ON DELETE CASCADE,
    instance_id text NOT NULL REFERENCES instance ON DELETE CASCADE,
    stack_revision_id text NOT NULL REFERENCES stack_revision,
    task_id text NOT NULL REFERENCES task,
    number integer NOT NULL CHECK (number > 0),
    state text NOT NULL DEFAULT 'PENDING'
        CHECK (state IN ('PENDING', 'IN_PROGRESS', 'COMPLETED', 'ERRORED', 'CANCELED')),
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    ended_at timestamptz,
    UNIQUE (instance_id, number)
);
CREATE INDEX deployment_task ON deployment (task_id);

-- What viewers may follow: numbers are contiguous per subject, taken under the subject's lock.
CREATE TABLE event (
    subject text NOT NULL,                  -- the id of a task, an instance, an app or an organization
    number bigint NOT NULL CHECK (number > 0),
    organization_id text NOT NULL REFERENCES organization ON DELETE CASCADE,
    kind text NOT NULL,
    data jsonb NOT NULL,
    actor_id text,
    at timestamptz NOT NULL DEFAULT now(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (subject, number)
);
CREATE INDEX event_xid ON event (xid);
CREATE INDEX event_at ON event (at);

CREATE TABLE idempotency_key (
    user_id text NOT NULL REFERENCES "user" ON DELETE CASCADE,
    operation text NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    input_hash text NOT NULL,
    result jsonb NOT NULL,                  -- ids only
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, operation, key)
);
CREATE INDEX idempotency_key_age ON idempotency_key (created_at);
