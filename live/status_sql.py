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

STATES = f"""
WITH given AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS g(
        id text, state text, reason text, breaker text, breaker_reason text, breaker_since timestamptz,
        breaker_next_try timestamptz)),
free AS MATERIALIZED (
    SELECT c.id, c.state AS before, c.state_reason AS reason_before,
        (SELECT string_agg(one ->> 'message', ' ') FROM jsonb_array_elements(c.checks) AS one
         WHERE (one ->> 'needed')::boolean AND NOT (one ->> 'passed')::boolean
            AND one ->> 'name' <> 'connection') AS lacking
    FROM cluster c JOIN organization o ON o.id = c.organization_id
    WHERE c.id IN (SELECT id FROM given) FOR NO KEY UPDATE OF c SKIP LOCKED FOR KEY SHARE OF o SKIP LOCKED),
known AS (
    SELECT g.id, g.breaker, g.breaker_reason, g.breaker_since, g.breaker_next_try, f.before, f.reason_before,
        CASE WHEN g.state = 'CONNECTED' AND f.lacking IS NOT NULL THEN 'DEGRADED' ELSE g.state END AS state,
        CASE WHEN g.state = 'CONNECTED' AND f.lacking IS NOT NULL THEN f.lacking ELSE g.reason END AS reason
    FROM given g JOIN free f ON f.id = g.id),
judged AS (SELECT *, (before, reason_before) IS DISTINCT FROM (state, reason) AS changed FROM known),
written AS (
    UPDATE cluster c SET state = j.state, state_reason = j.reason,
        state_since = CASE WHEN j.before = j.state THEN c.state_since ELSE now() END,
        synced_at = CASE WHEN j.state = 'CONNECTED' THEN now() ELSE c.synced_at END,
        breaker = j.breaker, breaker_reason = j.breaker_reason, breaker_since = j.breaker_since,
        breaker_next_try = j.breaker_next_try, seq = c.seq + j.changed::integer
    FROM judged j WHERE c.id = j.id AND c.removed_at IS NULL AND (j.changed
        OR (c.breaker, c.breaker_reason, c.breaker_since, c.breaker_next_try)
            IS DISTINCT FROM (j.breaker, j.breaker_reason, j.breaker_since, j.breaker_next_try))
    RETURNING c.id, c.organization_id, c.seq, c.state, j.before, j.reason, j.changed),
told AS (
    INSERT INTO event (subject, number, organization_id, kind, data)
    SELECT id, seq, organization_id, 'STATE',
        jsonb_build_object('state', state, 'before', before, 'reason', reason)
    FROM written WHERE changed
    RETURNING subject),
rung AS MATERIALIZED (SELECT pg_notify('{CHANNEL}', subject) FROM told)
SELECT free.id FROM free, (SELECT count(*) FROM rung) r
"""
"""Writes how clusters and their breakers are, and tells those who follow them; answers with those that are written now.

A cluster that is well watched but lacks what its last test found to be needed is DEGRADED.
The organization's row is held as an event's reference does: who changes a cluster holds it first.
"""

SYNCED = """
UPDATE cluster SET synced_at = now()
WHERE id IN (SELECT id FROM cluster WHERE id = ANY($1) FOR NO KEY UPDATE SKIP LOCKED)
"""
"""All that is known of these clusters still holds."""

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
