-- The level of pod security that an instance's namespace enforces (null: there is no namespace yet), and the names of
-- the app services that need the looser one.
ALTER TABLE instance
    ADD COLUMN pod_security text CHECK (pod_security IN ('RESTRICTED', 'BASELINE')),
    ADD COLUMN rooted_services jsonb NOT NULL DEFAULT '[]';
