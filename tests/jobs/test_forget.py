"""What is kept for a time only goes after it, and nothing else does."""

from tortoise.connection import get_connection

from jobs.forget import forget
from tests.kit import makers


async def test_old_events_and_keys_go_and_young_ones_stay(opened_database: str) -> None:
    organization = await makers.organization()
    user = await makers.member(organization)
    connection = get_connection("default")
    for number, days in ((1, 40), (2, 31), (3, 29), (4, 0)):
        await connection.execute_query(
            "INSERT INTO event (subject, number, organization_id, kind, data, at) "
            "VALUES ('org_x', $1, $2, 'TOLD', '{}', now() - $3 * interval '1 day')",
            [number, organization.id, days],
        )
    for key, hours in (("old", 25), ("young", 23)):
        await connection.execute_query(
            "INSERT INTO idempotency_key (user_id, operation, key, input_hash, result, created_at) "
            "VALUES ($1, 'x', $2, '', '{}', now() - $3 * interval '1 hour')",
            [user.id, key, hours],
        )

    assert await forget() == 3

    assert await connection.execute_query_dict("SELECT number FROM event ORDER BY 1") == [{"number": 3}, {"number": 4}]
    assert await connection.execute_query_dict("SELECT key FROM idempotency_key") == [{"key": "young"}]
