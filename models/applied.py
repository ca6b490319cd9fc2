"""What was applied to clusters, so that it can be shown, compared and applied again. Objects hold secrets: all of them
are sealed."""

import base64
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.models import Model

from models.fields import flag, identity, moment, reference, words
from models.ids import new_id
from models.keyring import Keyring

FOUNDATION = ""
"""The service of what belongs to the instance as a whole."""

_KEEP = (
    "INSERT INTO applied (id, instance_id, service, number, sealed) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT (instance_id, service, number) DO UPDATE SET sealed = excluded.sealed"
)


class Applied(Model):
    """The objects of one service, or of an instance as a whole, as one deployment applied them."""

    id: str = identity("apd")
    instance: Any = reference("Instance")
    instance_id: str
    service: str = words()
    number: int = fields.IntField()
    good: bool = flag(default=False)
    sealed: str | None = fields.TextField(null=True)
    created_at: datetime = moment()

    class Meta:
        table = "applied"

    def objects(self, keyring: Keyring) -> list[dict[str, Any]]:
        """The objects in the order in which they were applied. Raises: KeyringError."""
        if self.sealed is None:
            return []
        text = zlib.decompress(base64.b64decode(keyring.unseal(self.sealed, self.id)))
        found: list[dict[str, Any]] = orjson.loads(text)
        return found


async def keep(
    connection: BaseDBAsyncClient,
    keyring: Keyring,
    instance_id: str,
    number: int,
    objects: Mapping[str, Sequence[Mapping[str, Any]]],
) -> None:
    """Writes what an instance's deployment applies, by service, in place of what the same deployment applied before.

    An empty list says that nothing is left of the service. Of earlier deployments only what was good is kept. The
    caller holds the lock of the instance.
    """
    rows = Applied.filter(instance_id=instance_id, number=number).using_db(connection)
    known = {row.service: row.id for row in await rows.only("id", "service")}
    values = []
    for service, made in objects.items():
        id = known.get(service) or new_id("apd")
        text = base64.b64encode(zlib.compress(orjson.dumps(made))).decode()
        values.append([id, instance_id, service, number, keyring.seal(text, id) if made else None])
    await connection.execute_many(_KEEP, values)
    earlier = Applied.filter(instance_id=instance_id, number__lt=number, service__in=list(objects), good=False)
    await earlier.using_db(connection).delete()


async def prove(connection: BaseDBAsyncClient, instance_id: str, number: int) -> None:
    """What this deployment applied is good from now on; what was good before it is forgotten."""
    all_of_it = Applied.filter(instance_id=instance_id).using_db(connection)
    services = [row.service for row in await all_of_it.filter(number=number).only("id", "service")]
    await all_of_it.filter(service__in=services, number__lt=number).delete()
    await all_of_it.filter(number=number, sealed=None).delete()
    await all_of_it.filter(number=number).update(good=True)


async def newest(instance_ids: Iterable[str]) -> list[Applied]:
    """What is applied now, by instance and service: of each service, what the last deployment applied of it."""
    rows = await Applied.filter(instance_id__in=list(instance_ids)).order_by("instance_id", "service", "number")
    return [row for row in {(row.instance_id, row.service): row for row in rows}.values() if row.sealed is not None]
