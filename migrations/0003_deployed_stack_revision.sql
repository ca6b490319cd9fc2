-- What the last usable deployment of an instance runs; null: there is none yet.
ALTER TABLE instance ADD COLUMN deployed_stack_revision_id text REFERENCES stack_revision;
UPDATE instance i SET deployed_stack_revision_id = (
    SELECT stack_revision_id FROM deployment d WHERE d.instance_id = i.id AND d.state = 'COMPLETED'
    ORDER BY number DESC LIMIT 1
);
