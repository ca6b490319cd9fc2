"""What is applied of an instance, as the API shows it."""

import base64
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from tortoise.connection import get_connection
from tortoise.transactions import in_transaction

from live import process
from live.process import current
from models import Applied, AppService, applied
from models.keyring import Keyring, KeyringError
from rules.enums import InstanceState
from schema import schema
from schema.limits import Limits
from simulator.kinds import KINDS
from tests.kit import makers
from tests.kit.sandbox import Sandbox
from transport.documents import Documents, Unprepared

SHOWN = """query($id: ID!) { node(id: $id) { ... on Instance {
  manifests { kind name apiVersion service yaml } } } }"""
OURS = {"app.kubernetes.io/managed-by": "berth"}


async def shown(sandbox: Sandbox, id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await sandbox.api.query(SHOWN, id=id))["node"]["manifests"]
    return found


def in_the_cluster(sandbox: Sandbox) -> Counter[tuple[str, str]]:
    """The kinds and names of what carries Berth's label and has no owner."""
    return Counter(
        (kind.name, found["metadata"]["name"])
        for kind in KINDS
        if kind.namespaced and kind.stored
        for found in sandbox.simulator.store.objects(kind, "shop-dev")
        if (found["metadata"].get("labels") or {}).items() >= OURS.items()
        and not found["metadata"].get("ownerReferences")
    )


async def with_a_password(sandbox: Sandbox, id: str, value: str) -> None:
    worker = await AppService.get(instance_id=id, name="worker")
    given = {"id": worker.id, "variables": [{"name": "PASSWORD", "value": value, "secret": True}]}
    assert (await sandbox.api.change("setAppServiceVariables", given, "problems { code }"))["problems"] == []
    await sandbox.api.change("deployInstance", {"id": id}, "problems { code }")
    await sandbox.drain()


async def test_manifests_are_what_the_cluster_holds_of_ours(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    found = await shown(sandbox, id)
    assert Counter((one["kind"], one["name"]) for one in found) == in_the_cluster(sandbox)
    assert list(dict.fromkeys(one["service"] for one in found)) == [None, "web", "worker", "cache"]
    deployment = next(one for one in found if (one["kind"], one["name"]) == ("Deployment", "worker"))
    assert (deployment["apiVersion"], deployment["service"]) == ("apps/v1", "worker")
    read = yaml.safe_load(deployment["yaml"])
    assert read["metadata"]["namespace"] == "shop-dev"
    assert read["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.local/worker:1.1"


async def test_no_value_of_a_secret_is_shown_or_kept_in_the_open(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    await with_a_password(sandbox, id, "hunter2")
    found = await shown(sandbox, id)
    [secret] = [one for one in found if one["kind"] == "Secret"]
    assert yaml.safe_load(secret["yaml"])["data"] == {"PASSWORD": "********"}
    encoded = base64.b64encode(b"hunter2").decode()
    assert all("hunter2" not in one["yaml"] and encoded not in one["yaml"] for one in found)
    rows = await get_connection("default").execute_query_dict("SELECT t::text AS row FROM applied t")
    assert rows
    assert all("hunter2" not in row["row"] and encoded not in row["row"] for row in rows)
    kept = await Applied.get(instance_id=id, service="worker")
    assert [made["data"] for made in kept.objects(current().keyring) if made["kind"] == "Secret"] == [
        {"PASSWORD": encoded}
    ]


async def test_manifests_are_shown_while_the_cluster_is_away_and_in_every_state(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    before = await shown(sandbox, id)
    sandbox.simulator.fault("refuse")
    for state in InstanceState:
        error = "(SELECT id FROM task WHERE instance_id = $1 LIMIT 1)" if state is InstanceState.ERRORED else "NULL"
        await get_connection("default").execute_query(
            f"UPDATE instance SET state = $2, failed_task_id = {error} WHERE id = $1", [id, state.value]
        )
        assert await shown(sandbox, id) == before


async def test_an_instance_of_which_nothing_is_applied_has_no_manifests(sandbox: Sandbox) -> None:
    made = await makers.instance(sandbox.world, state=InstanceState.CREATING)
    assert await shown(sandbox, made.id) == []


async def test_of_each_service_only_the_last_good_state_is_kept(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    await with_a_password(sandbox, id, "one")
    await with_a_password(sandbox, id, "two")
    rows = await Applied.filter(instance_id=id).order_by("service")
    assert [(row.service, row.number, row.good) for row in rows] == [
        ("", 3, True), ("cache", 3, True), ("web", 3, True), ("worker", 3, True),
    ]  # fmt: skip


async def test_nothing_is_kept_of_an_instance_that_is_gone(sandbox: Sandbox) -> None:
    id = await sandbox.create()
    await sandbox.api.change("deleteInstance", {"id": id}, "problems { code }")
    await sandbox.drain()
    assert await sandbox.state(id) is None
    assert await Applied.filter(instance_id=id).count() == 0


async def test_a_keyring_that_does_not_open_what_is_applied_is_refused(opened_database: str, tmp_path: Path) -> None:
    lost = Keyring.create(tmp_path / "lost.json")
    deployment = await makers.deployment(await makers.instance(await makers.world()))
    async with in_transaction() as connection:
        await applied.keep(connection, lost, deployment.instance_id, 1, {"web": [{"kind": "Secret"}]})
    with pytest.raises(KeyringError, match=f"sealed with {lost.primary}, which the keyring lacks"):
        await process.open(Keyring.create(tmp_path / "keyring.json"))


def test_manifests_cannot_be_asked_for_by_the_hundred() -> None:
    documents = Documents(schema._schema, Limits())
    document = "query($first: Int) { instances(first: $first) { nodes { manifests { yaml } } } }"
    assert documents.prepare(document, None, {"first": 19})
    with pytest.raises(Unprepared):
        documents.prepare(document, None, {"first": 20})
