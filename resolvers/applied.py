"""What is applied of instances: their objects as Berth sent them to the cluster, without any secret value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from kube.manifests import mask
from live.process import current
from models import Applied
from models.applied import FOUNDATION, newest
from resolvers.context import Context
from resolvers.selection import Selection
from resolvers.sql import Values, rows

if TYPE_CHECKING:
    from resolvers.rows.instance import InstanceRow


@dataclass(frozen=True, slots=True)
class AppliedObject:
    """`service` is the name of its app service, None for what belongs to the instance as a whole."""

    kind: str
    name: str
    api_version: str
    service: str | None
    manifest: Mapping[str, Any]

    @property
    def yaml(self) -> str:
        """As text, with every value of a Secret masked."""
        [shown] = mask([dict(self.manifest)])
        return yaml.dump(shown, Dumper=_Dumper, sort_keys=False, width=120)


class _Dumper(yaml.CSafeDumper):
    """Texts of several lines as they are read best."""


def _text(dumper: Any, text: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


async def manifests(_context: Context, found: Sequence["InstanceRow"], _wanted: Selection) -> None:
    """A fill: all that is applied of each instance, what belongs to it as a whole first, then by the stack's order."""
    kept = await applied_of([row.id for row in found])
    for row in found:
        row.manifests = [one for each in kept.get(row.id, {}).values() for one in each]


async def applied_of(instance_ids: list[str]) -> dict[str, dict[str, list[AppliedObject]]]:
    """By the instance's id and the service's name: the objects, in order. Raises: KeyringError."""
    order = await _positions(instance_ids)
    found: dict[str, dict[str, list[AppliedObject]]] = {}
    for row in sorted(await newest(instance_ids), key=lambda row: order.get((row.instance_id, row.service), -1)):
        found.setdefault(row.instance_id, {})[row.service] = _objects(row)
    return found


def _objects(row: Applied) -> list[AppliedObject]:
    service = None if row.service == FOUNDATION else row.service
    return [
        AppliedObject(made["kind"], made["metadata"]["name"], made["apiVersion"], service, made)
        for made in row.objects(current().keyring)
    ]


async def _positions(instance_ids: list[str]) -> dict[tuple[str, str], int]:
    services = await rows(
        "SELECT instance_id, name, position FROM app_service WHERE instance_id = ANY($1)", Values(instance_ids)
    )
    return {(instance, name): position for instance, name, position in services}
