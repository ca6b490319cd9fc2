"""A new key for secrets that are there already."""

from tortoise.transactions import in_transaction

from models.keyring import Keyring, key_of

_SEALED = (("cluster", "kubeconfig"), ("variable", "sealed"), ("app_service_token", "sealed"), ("applied", "sealed"))


async def reseal(keyring: Keyring) -> int:
    """Seal every secret of the database with the keyring's primary key, all or none; returns how many were changed.

    Raises:
        KeyringError: one of them does not open.
    """
    changed = 0
    async with in_transaction() as connection:
        for table, column in _SEALED:
            rows = await connection.execute_query_dict(
                f"SELECT id, {column} AS sealed FROM {table} WHERE {column} IS NOT NULL ORDER BY id FOR UPDATE"
            )
            for row in rows:
                if key_of(row["sealed"]) != keyring.primary:
                    sealed = keyring.seal(keyring.unseal(row["sealed"], row["id"]), row["id"])
                    await connection.execute_query(
                        f"UPDATE {table} SET {column} = $1 WHERE id = $2", [sealed, row["id"]]
                    )
                    changed += 1
    return changed
