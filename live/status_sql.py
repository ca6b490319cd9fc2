"""The statements of the status writer. None waits for a row that is locked: it is left out and tried again."""

from models.event import CHANNEL

CLUSTERS = """
SELECT c.id, c.uid, c.version,
    EXISTS (SELECT FROM instance i WHERE i.cluster_id = c.id AND i.deleted_at IS NULL) AS used
FROM cluster c WHERE c.removed_at IS NULL
"""
"""Every registered cluster, and whether instances live on it."""

LOCK = """
SELECT id FROM unnest($1::text[]) AS asked(id) WHERE pg_try_advisory_lock(hashtextextended('berth status ' || id, 0))
"""
"""Those of the clusters that nobody else writes; they are this session's until it ends or frees them."""

FREE = "SELECT pg_advisory_unlock(hashtextextended('berth status ' || id, 0)) FROM unnest($1::text[]) AS asked(id)"

EXPECTED = """
SELECT i.cluster_id, i.namespace, i.id AS instance_id, a.name
FROM app_service a JOIN instance i ON i.id = a.instance_id
WHERE i.cluster_id = ANY($1) AND i.deleted_at IS NULL AND a.ready IS NOT NULL
"""

TOUCH = """
UPDATE app_service SET observed_at = now() WHERE id IN (
    SELECT a.id FROM app_service a JOIN instance i ON i.id = a.instance_id
    WHERE i.cluster_id = ANY($1) AND i.deleted_at IS NULL AND a.observed_at IS NOT NULL
    FOR NO KEY UPDATE OF a SKIP LOCKED)
"""
"""What is known of the app services of these clusters still holds."""

STATES = """
WITH given AS MATERIALIZED (SELECT * FROM jsonb_to_recordset($1::jsonb) AS g(id text, state text, reason text)),
free AS MATERIALIZED (
    SELECT c.id FROM cluster c WHERE c.id IN (SELECT id FROM given) FOR NO KEY UPDATE SKIP LOCKED),
written AS (
    UPDATE cluster c SET state = g.state, state_reason = g.reason,
        state_since = CASE WHEN c.state = g.state THEN c.state_since ELSE now() END
    FROM given g WHERE c.id = g.id AND c.id IN (SELECT id FROM free) AND c.removed_at IS NULL
        AND (c.state, c.state_reason) IS DISTINCT FROM (g.state, g.reason))
SELECT id FROM free
"""
"""Writes states of clusters, and answers with those that are written now."""

STATUSES = f"""
WITH given AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS g(
        cluster text, namespace text, instance text, service text, ready integer, desired integer, reason text)),
found AS MATERIALIZED (
    SELECT a.id, a.instance_id, g.* FROM given g
    JOIN instance i ON i.id = g.instance AND i.cluster_id = g.cluster AND i.namespace = g.namespace
        AND i.deleted_at IS NULL
    JOIN app_service a ON a.instance_id = i.id AND a.name = g.service
    WHERE (a.ready, a.desired, a.reason) IS DISTINCT FROM (g.ready, g.desired, g.reason)),
free AS MATERIALIZED (
    SELECT a.id FROM app_service a JOIN instance i ON i.id = a.instance_id
    WHERE a.id IN (SELECT id FROM found) AND i.deleted_at IS NULL FOR NO KEY UPDATE SKIP LOCKED),
written AS (
    UPDATE app_service a SET ready = f.ready, desired = f.desired, reason = f.reason, observed_at = now()
    FROM found f WHERE a.id = f.id AND a.id IN (SELECT id FROM free)
    RETURNING a.id, a.instance_id, a.organization_id, a.ready, a.desired, a.reason),
counted AS (
    UPDATE instance i SET seq = i.seq + n.count
    FROM (SELECT instance_id, count(*) AS count FROM written GROUP BY 1) n
    WHERE i.id = n.instance_id RETURNING i.id, i.seq - n.count AS before),
told AS (
    INSERT INTO event (subject, number, organization_id, kind, data)
    SELECT w.instance_id, c.before + row_number() OVER (PARTITION BY w.instance_id ORDER BY w.id), w.organization_id,
        'RUNTIME', jsonb_build_object(
            'appServiceId', w.id, 'ready', w.ready, 'desired', w.desired, 'reason', w.reason)
    FROM written w JOIN counted c ON c.id = w.instance_id
    RETURNING subject),
rung AS MATERIALIZED (SELECT pg_notify('{CHANNEL}', subject) FROM (SELECT DISTINCT subject FROM told) s),
busy AS (
    SELECT cluster, namespace, instance, service FROM found WHERE id NOT IN (SELECT id FROM free))
SELECT COALESCE((SELECT jsonb_agg(b) FROM busy b), '[]') FROM (SELECT count(*) FROM rung) r
"""
"""Writes how app services are, and tells the viewers of their instances in the form of `models.event.append`.

Answers with those that are locked by a change under way. What a cluster says counts for instances of that cluster and
of that namespace only, whatever its labels claim.
"""
