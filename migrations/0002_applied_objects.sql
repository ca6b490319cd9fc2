-- What was applied of each service of an instance, by which deployment: at most the last good state and the newest.
CREATE TABLE applied (
    id text PRIMARY KEY CHECK (id LIKE 'apd\_%'),
    instance_id text NOT NULL REFERENCES instance ON DELETE CASCADE,
    service text NOT NULL,                  -- '': what belongs to the instance as a whole
    number integer NOT NULL,                -- of the deployment
    good boolean NOT NULL DEFAULT false,    -- that deployment came to a good end
    sealed text,                            -- the objects, by the keyring with this row's id; null: none any more
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (instance_id, service, number),
    FOREIGN KEY (instance_id, number) REFERENCES deployment (instance_id, number) ON DELETE CASCADE
);
CREATE UNIQUE INDEX applied_good ON applied (instance_id, service) WHERE good;
