"""Manifests of revisions, read once: a revision never changes, so what was read stays true for ever."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Generic, TypeVar

import orjson
from tortoise.connection import get_connection

from catalogue.services import ServiceManifest
from catalogue.stacks import StackManifest

Manifest = TypeVar("Manifest", ServiceManifest, StackManifest)
_KEPT = 500


class _Shelf(Generic[Manifest]):
    """The manifests of one table that were used last. A draft's changes: it is never kept."""

    def __init__(self, table: str, manifest: type[Manifest], settled: str) -> None:
        self._statement = f"SELECT id, manifest::text, {settled} FROM {table} WHERE id = ANY($1)"
        self._manifest: type[Manifest] = manifest
        self._kept: OrderedDict[str, Manifest] = OrderedDict()

    async def read(self, ids: Iterable[str]) -> dict[str, Manifest]:
        wanted = set(ids)
        found = {id: self._kept[id] for id in wanted if id in self._kept}
        missing = sorted(wanted - found.keys())
        if missing:
            _, rows = await get_connection("default").execute_query(self._statement, [missing])
            for id, text, settled in rows:
                found[id] = self._manifest.of_data(orjson.loads(text))
                if settled:
                    self._kept[id] = found[id]
        for id in found.keys() & self._kept.keys():
            self._kept.move_to_end(id)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found


_services = _Shelf("service_revision", ServiceManifest, "true")
_stacks = _Shelf("stack_revision", StackManifest, "number IS NOT NULL")


async def service_manifests(ids: Iterable[str]) -> dict[str, ServiceManifest]:
    """The manifests of service revisions by their ids. Who asks has found the ids in rows that the viewer may see."""
    return await _services.read(ids)


async def stack_manifests(ids: Iterable[str]) -> dict[str, StackManifest]:
    """The manifests of stack revisions by their ids, as above."""
    return await _stacks.read(ids)
