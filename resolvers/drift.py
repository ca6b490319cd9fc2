"""What has become of an instance's objects in its cluster, asked when somebody looks."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from tortoise.timezone import now

from kube import drift as kube_drift
from kube.drift import Difference, Drifted, Stranger
from kube.errors import KubeError
from live.process import current
from models.keyring import KeyringError
from resolvers.applied import AppliedObject, applied_of
from resolvers.context import Context
from resolvers.selection import Selection

if TYPE_CHECKING:
    from resolvers.rows.instance import InstanceRow

_WITHIN = 10.0
"""Seconds in which the cluster must have answered all of it."""


@dataclass(frozen=True, slots=True)
class DriftedObject:
    """service: the name of its app service, None for what belongs to the instance as a whole."""

    kind: str
    name: str
    service: str | None
    missing: bool
    managers: Sequence[str]
    fields: Sequence[Difference]


@dataclass(frozen=True, slots=True)
class Drift:
    """unavailable: why it could not be found out; None when it was."""

    checked_at: datetime
    unavailable: str | None = None
    objects: list[DriftedObject] = field(default_factory=list)
    foreign_objects: list[Stranger] = field(default_factory=list)


async def drift(_context: Context, found: Sequence["InstanceRow"], _wanted: Selection) -> None:
    """A fill: what each instance's cluster says now."""
    kept = await applied_of([row.id for row in found])
    for row in found:
        row.drift = await _of(row, [one for each in kept.get(row.id, {}).values() for one in each])


async def _of(row: "InstanceRow", applied: Sequence[AppliedObject]) -> Drift:
    if not applied:
        return Drift(now())
    at = {(one.kind, one.name): one.service for one in applied}
    try:
        async with asyncio.timeout(_WITHIN):
            client = await current().clusters.of(row.cluster_id)
            await client.verify()
            changed = await kube_drift.drifted(client, [dict(one.manifest) for one in applied])
            strangers = await kube_drift.strangers(client, row.namespace, row.id, at.keys())
    except (KubeError, KeyringError) as problem:
        return Drift(now(), str(problem))
    except TimeoutError:
        return Drift(now(), f"The cluster did not answer all of it within {_WITHIN:g} s.")
    return Drift(now(), None, [_shown(one, at[one.kind, one.name]) for one in changed], strangers)


def _shown(one: Drifted, service: str | None) -> DriftedObject:
    return DriftedObject(one.kind, one.name, service, one.missing, one.managers, one.differences)
