-- Why a deployment fails, and which services are put back to what they ran: known to a worker that takes over meanwhile.
ALTER TABLE task ADD COLUMN failing jsonb;
