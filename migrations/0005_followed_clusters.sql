-- Clusters are followed as instances are, and say when all of them was known last, and how their breaker is.

ALTER TABLE cluster
    ADD COLUMN seq bigint NOT NULL DEFAULT 0,
    ADD COLUMN synced_at timestamptz,       -- when all that is shown of it was last known to hold
    ADD COLUMN breaker text NOT NULL DEFAULT 'CLOSED' CHECK (breaker IN ('CLOSED', 'OPEN', 'HALF_OPEN')),
    ADD COLUMN breaker_reason text NOT NULL DEFAULT '',
    ADD COLUMN breaker_since timestamptz,   -- since when it has not answered
    ADD COLUMN breaker_next_try timestamptz;
