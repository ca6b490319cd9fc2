"""Stacks as they are imported, published and discarded, and whole catalogues."""

import asyncio
from typing import Any

import pytest
import yaml

from catalogue import own
from models import Service, Stack, StackRevision, StackService
from rules.enums import Role
from tests.kit import makers
from tests.kit.client import Api
from tests.kit.traces import events, everything

pytestmark = pytest.mark.usefixtures("berth")

STACK = (
    "stack { name title version outdated draft { number } latestRevision { number } } cursor problems { code message }"
)


def source(name: str = "site", **more: Any) -> str:
    web = {"name": "web", "title": "Web", "service": "web", **more}
    return yaml.safe_dump({"name": name, "title": name.title(), "services": [web]}, sort_keys=False)


async def revise(of: makers.World, **more: Any) -> None:
    """Imports the service `web`, in another state than before."""
    text = yaml.safe_dump(makers.service_manifest("web", **more))
    wanted = {"organizationId": of.organization.id, "source": text}
    answer = await Api(of.owner).change("importService", wanted, "problems { code }")
    assert answer == {"problems": []}


async def import_stack(of: makers.World, text: str, selection: str = STACK, **more: Any) -> Any:
    wanted = {"organizationId": of.organization.id, "source": text, **more}
    return await Api(of.owner).change("importStack", wanted, selection)


async def draft(of: makers.World, text: str | None = None) -> str:
    """The id of a stack that was imported."""
    answer = await import_stack(of, text or source(), "stack { id } problems { code }")
    assert answer["problems"] == []
    return str(answer["stack"]["id"])


async def publish(of: makers.World, id: str, selection: str = STACK, **more: Any) -> Any:
    return await Api(of.owner).change("publishStack", {"id": id, **more}, selection)


async def pinned_numbers(of: makers.World, id: str) -> list[tuple[str, int, bool]]:
    """Name, service revision number and pin of the services of a stack's latest revision."""
    document = """query($id: ID!) { node(id: $id) { ... on Stack { latestRevision { services {
      name pinned serviceRevision { number } } } } } }"""
    found = await Api(of.owner).query(document, id=id)
    services = found["node"]["latestRevision"]["services"]
    return [(each["name"], each["serviceRevision"]["number"], each["pinned"]) for each in services]


async def test_an_import_is_a_draft_that_cannot_be_deployed_yet() -> None:
    world = await makers.world()
    answer = await import_stack(world, source())
    assert answer == {
        "stack": {
            "name": "site",
            "title": "Site",
            "version": 1,
            "outdated": False,
            "draft": {"number": None},
            "latestRevision": None,
        },
        "cursor": "1",
        "problems": [],
    }
    row = await Stack.get(organization_id=world.organization.id, name="site")
    assert await events(world.organization.id) == [("STACK_DRAFTED", {"stackId": row.id, "name": "site"})]


async def test_publishing_makes_the_draft_a_numbered_revision_of_the_latest_services() -> None:
    world = await makers.world()
    id = await draft(world)
    await revise(world, title="Newer")
    answer = await publish(world, id, "revision { id number draft services { name main } } " + STACK, expectedVersion=1)
    revision = answer["revision"].pop("id")
    assert answer["revision"] == {"number": 1, "draft": False, "services": [{"name": "web", "main": True}]}
    assert answer["stack"] == {
        "name": "site",
        "title": "Site",
        "version": 2,
        "outdated": False,
        "draft": None,
        "latestRevision": {"number": 1},
    }
    assert answer["problems"] == []
    assert await pinned_numbers(world, id) == [("web", 2, False)]
    data = {"stackId": id, "name": "site", "number": 1, "revisionId": revision}
    assert (await events(world.organization.id))[-1] == ("STACK_PUBLISHED", data)


async def test_a_newer_service_makes_the_stack_outdated_until_it_is_published_again() -> None:
    world = await makers.world()
    id = await draft(world)
    await publish(world, id)
    await revise(world, title="Newer")
    answer = await import_stack(world, source())
    assert (answer["stack"]["outdated"], answer["stack"]["draft"]) == (True, {"number": None})
    answer = await publish(world, id)
    assert (answer["stack"]["outdated"], answer["stack"]["latestRevision"]) == (False, {"number": 2})
    assert await pinned_numbers(world, id) == [("web", 2, False)]


async def test_a_pinned_service_stays_where_it_was_pinned() -> None:
    world = await makers.world()
    id = await draft(world, source(serviceRevPinned=True))
    await publish(world, id)
    await revise(world, title="Newer")
    await import_stack(world, source(serviceRevPinned=True, title="Another title"))
    answer = await publish(world, id)
    assert (answer["problems"], answer["stack"]["outdated"]) == ([], False)
    assert await pinned_numbers(world, id) == [("web", 1, True)]


async def test_importing_the_same_again_changes_nothing() -> None:
    world = await makers.world()
    id = await draft(world)
    before = await everything()
    answer = await import_stack(world, source())
    assert (answer["cursor"], answer["problems"]) == (None, [])
    assert await everything() == before
    await publish(world, id)
    before = await everything()
    answer = await import_stack(world, source())
    assert (answer["stack"]["draft"], answer["cursor"], answer["problems"]) == (None, None, [])
    assert await everything() == before


async def test_a_newer_draft_takes_the_place_of_the_older_one() -> None:
    world = await makers.world()
    id = await draft(world)
    await draft(world, source(replicas=2))
    [row] = await StackRevision.filter(stack_id=id)
    assert (row.number, row.manifest["services"][0]["replicas"]) == (None, 2)
    assert await StackService.filter(stack_revision_id=row.id).count() == 1


async def test_there_is_nothing_to_publish_without_a_draft_or_a_difference() -> None:
    world = await makers.world()
    id = await draft(world)
    await publish(world, id)
    before = await everything()
    answer = await publish(world, id, "problems { code message }")
    assert answer["problems"] == [{"code": "NOTHING_TO_PUBLISH", "message": "The stack has no draft."}]
    assert await everything() == before
    await draft(world, source(replicas=2))
    await draft(world, source())
    before = await everything()
    answer = await publish(world, id, "problems { code message }")
    message = "The draft is the same as the latest revision."
    assert answer["problems"] == [{"code": "NOTHING_TO_PUBLISH", "message": message}]
    assert await everything() == before


async def test_a_draft_whose_services_do_not_fit_any_more_is_not_published() -> None:
    world = await makers.world()
    id = await draft(world, source(options=[{"version": "1.0"}]))
    await revise(world, options=[{"version": "2.0"}])
    before = await everything()
    answer = await publish(world, id, "problems { code ... on ManifestInvalid { findings { path } } }")
    findings = [{"path": "services[0].options[0].version"}]
    assert answer["problems"] == [{"code": "MANIFEST_INVALID", "findings": findings}]
    assert await everything() == before


async def test_a_draft_is_discarded() -> None:
    world = await makers.world()
    id = await draft(world)
    await publish(world, id)
    await draft(world, source(replicas=2))
    api = Api(world.owner)
    answer = await api.change("discardStackDraft", {"id": id, "expectedVersion": 3}, STACK)
    assert (answer["stack"]["draft"], answer["stack"]["version"], answer["problems"]) == (None, 4, [])
    assert (await events(world.organization.id))[-1] == ("STACK_DRAFT_DISCARDED", {"stackId": id, "name": "site"})
    before = await everything()
    answer = await api.change("discardStackDraft", {"id": id}, "problems { code }")
    assert answer["problems"] == [{"code": "NOTHING_TO_PUBLISH"}]
    assert await everything() == before


async def test_of_twenty_that_publish_at_once_one_does() -> None:
    world = await makers.world()
    id = await draft(world)
    answers = await asyncio.gather(*(publish(world, id, "problems { code }") for _ in range(20)))
    assert (
        sorted(answer["problems"] for answer in answers if answer["problems"])
        == [[{"code": "NOTHING_TO_PUBLISH"}]] * 19
    )
    assert (await Stack.get(id=id)).latest_number == 1


async def test_a_stale_version_is_refused() -> None:
    world = await makers.world()
    id = await draft(world)
    before = await everything()
    for mutation in ("publishStack", "discardStackDraft"):
        answer = await Api(world.owner).change(mutation, {"id": id, "expectedVersion": 7}, "problems { code path }")
        assert answer["problems"] == [{"code": "VERSION_CONFLICT", "path": "input.expectedVersion"}]
    assert await everything() == before


async def test_readers_may_not_and_strangers_see_nothing() -> None:
    world, other = await makers.world(), await makers.world()
    id = await draft(world)
    reader = await makers.viewer(world.organization, role=Role.READER)
    before = await everything()
    of = world.organization.id
    for mutation, input, field in (
        ("importStack", {"organizationId": of, "source": source()}, "organizationId"),
        ("importCatalogue", {"organizationId": of, "files": [{"name": "x", "text": source()}]}, "organizationId"),
        ("publishStack", {"id": id}, "id"),
        ("discardStackDraft", {"id": id}, "id"),
    ):
        for viewer, code in ((reader, "FORBIDDEN"), (other.owner, "NOT_FOUND")):
            answer = await Api(viewer).change(mutation, input, "problems { code path }")
            assert answer["problems"] == [{"code": code, "path": f"input.{field}"}]
        answer = await Api(world.owner).change(mutation, {**input, field: world.cluster.id}, "problems { code path }")
        assert answer["problems"] == [{"code": "NOT_FOUND", "path": f"input.{field}"}]
    assert await everything() == before


def files(*texts: tuple[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "text": text} for name, text in texts]


async def import_catalogue(of: makers.World, given: list[dict[str, str]], selection: str, **more: Any) -> Any:
    wanted = {"organizationId": of.organization.id, "files": given, **more}
    return await Api(of.owner).change("importCatalogue", wanted, selection)


async def test_berths_own_catalogue_is_imported_and_published() -> None:
    world = await makers.world()
    given = files(*((one.file, one.text) for one in own.documents()))
    shown = "services { name latestRevision { number } } stacks { id name draft { number } } problems { code }"
    answer = await import_catalogue(world, list(reversed(given)), shown)
    assert answer["problems"] == []
    assert sorted(each["name"] for each in answer["services"]) == ["log-writer", "postgres", "valkey", "web", "worker"]
    assert sorted(each["name"] for each in answer["stacks"]) == ["shop", "site"]
    before = await everything()
    again = await import_catalogue(world, given, "cursor problems { code }")
    assert again == {"cursor": None, "problems": []}
    assert await everything() == before
    for stack in answer["stacks"]:
        published = await publish(world, stack["id"], "problems { code }")
        assert published == {"problems": []}


async def test_parents_come_first_whatever_the_order_and_one_fault_stops_all() -> None:
    world = await makers.world()
    parent = yaml.safe_dump(makers.service_manifest("parent"))
    child = "name: child\ntitle: Child\ntype: service\nfrom: parent\n"
    stack = source("family", service="child")
    given = files(("c/stack.yml", stack), ("b/service.yml", child), ("a/service.yml", parent))
    before = await everything()
    broken = given + files(("d/service.yml", "name: d\ntitle: D\ntype: service\nwrong: 1\n"))
    answer = await import_catalogue(
        world,
        broken,
        "services { name } stacks { name } problems { ... on ManifestInvalid { findings { file line } } }",
    )
    findings = [{"file": "d/service.yml", "line": 4}]
    assert answer == {"services": [], "stacks": [], "problems": [{"findings": findings}]}
    assert await everything() == before
    answer = await import_catalogue(world, given, "services { name } stacks { name } problems { code }")
    assert answer == {
        "services": [{"name": "parent"}, {"name": "child"}],
        "stacks": [{"name": "family"}],
        "problems": [],
    }
    assert await Service.filter(organization_id=world.organization.id).count() == 3


async def test_a_fault_is_said_where_it_is_and_a_stack_that_needs_it_is_pointed_there() -> None:
    world = await makers.world()
    parent = "name: parent\ntitle: Parent\ntype: nonsense\n"
    child = "name: child\ntitle: Child\ntype: service\nfrom: parent\n"
    given = files(("c/stack.yml", source("family", service="child")), ("b.yml", child), ("a.yml", parent))
    answer = await import_catalogue(world, given, "problems { path ... on ManifestInvalid { findings { file code } } }")
    findings = [
        {"file": "a.yml", "code": "INVALID_VALUE"},
        {"file": "b.yml", "code": "FAULTY_SERVICE"},
        {"file": "c/stack.yml", "code": "FAULTY_SERVICE"},
    ]
    assert answer == {"problems": [{"path": "input.files", "findings": findings}]}
