"""Services as they are imported from text."""

import time
from typing import Any

import pytest
import yaml

from models import Service, ServiceRevision
from rules.enums import Role, Scope
from tests.kit import makers
from tests.kit.client import Api
from tests.kit.traces import events, everything

pytestmark = pytest.mark.usefixtures("berth")

SHOWN = "service { name title type version latestRevision { number } } cursor problems { code message path }"
FINDINGS = "problems { code ... on ManifestInvalid { findings { file line path code } } }"


def source(name: str = "api", **more: Any) -> str:
    return yaml.safe_dump(makers.service_manifest(name, **more), sort_keys=False)


async def import_service(of: makers.World, text: str, selection: str = SHOWN, **more: Any) -> Any:
    wanted = {"organizationId": of.organization.id, "source": text, **more}
    return await Api(of.owner).change("importService", wanted, selection)


async def found_in(of: makers.World, text: str) -> list[tuple[int, str, str]]:
    """Line, path and code of the findings of an import that left nothing behind."""
    before = await everything()
    answer = await import_service(of, text, FINDINGS, file="api/service.yml")
    assert await everything() == before
    [problem] = answer["problems"]
    assert problem["code"] == "MANIFEST_INVALID"
    assert {found["file"] for found in problem["findings"]} == {"api/service.yml"}
    return [(found["line"], found["path"], found["code"]) for found in problem["findings"]]


async def test_a_service_is_imported_with_its_first_revision() -> None:
    world = await makers.world()
    answer = await import_service(world, source())
    assert answer == {
        "service": {"name": "api", "title": "Api", "type": "service", "version": 1, "latestRevision": {"number": 1}},
        "cursor": "1",
        "problems": [],
    }
    row = await Service.get(organization_id=world.organization.id, name="api")
    revision = await ServiceRevision.get(service_id=row.id)
    assert revision.source == source()
    assert revision.manifest["title"] == "Api"
    data = {"serviceId": row.id, "name": "api", "number": 1}
    assert await events(world.organization.id) == [("SERVICE_REVISED", data)]


async def test_the_same_manifest_is_no_new_revision_and_a_changed_one_is() -> None:
    world = await makers.world()
    await import_service(world, source())
    before = await everything()
    answer = await import_service(world, "# only a comment\n" + source())
    assert answer["service"]["latestRevision"] == {"number": 1}
    assert (answer["cursor"], answer["problems"]) == (None, [])
    assert await everything() == before
    answer = await import_service(world, source(title="The API"))
    assert answer["service"] == {
        "name": "api",
        "title": "The API",
        "type": "service",
        "version": 2,
        "latestRevision": {"number": 2},
    }
    assert answer["cursor"] == "2"


async def test_what_it_inherits_is_part_of_its_revision() -> None:
    world = await makers.world()
    await import_service(world, source("parent", labels=["base"]))
    child = "name: child\ntitle: Child\ntype: service\nfrom: parent\n"
    answer = await import_service(world, child, "service { id latestRevision { number } }")
    revision = await ServiceRevision.get(service_id=answer["service"]["id"])
    assert (revision.manifest["labels"], revision.source) == (["base"], child)
    await import_service(world, source("parent", labels=["base", "more"]))
    answer = await import_service(world, child, "service { latestRevision { number } }")
    assert answer == {"service": {"latestRevision": {"number": 2}}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [(1, "", "NOT_A_MANIFEST")]),
        ("name: [", [(2, "", "NOT_YAML")]),
        ("name: a\nname: b\n", [(2, "name", "DUPLICATE_KEY")]),
        ("name: a\ntitle: A\ntype: service\nfrom: nobody\n", [(4, "from", "UNKNOWN_PARENT")]),
        ("name: a\ntitle: A\ntype: service\nfrom: a\n", [(4, "from", "CYCLE")]),
        ("name: a\ntitle: A\ntype: nonsense\nmore: 1\n", [(3, "type", "INVALID_VALUE"), (4, "more", "UNKNOWN_FIELD")]),
        (source().replace("name: api", "name: other/api", 1), [(1, "name", "INVALID_NAME")]),
    ],
)
async def test_everything_that_is_wrong_is_said_with_its_place(text: str, expected: list[tuple[int, str, str]]) -> None:
    assert await found_in(await makers.world(), text) == expected


async def test_a_refusal_says_the_first_finding_in_a_sentence() -> None:
    world = await makers.world()
    answer = await import_service(world, "name: a\nname: b\n")
    assert answer["problems"] == [
        {
            "code": "MANIFEST_INVALID",
            "message": "service.yml:2: The key 'name' stands twice in one mapping, first in line 1.",
            "path": "input.source",
        }
    ]


async def test_five_megabytes_and_an_alias_bomb_are_refused_at_once() -> None:
    world = await makers.world()
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    began = time.perf_counter()
    assert await found_in(world, "name: a\n" + "# " + "x" * 5_000_000) == [(0, "", "TOO_LARGE")]
    assert [code for _, _, code in await found_in(world, bomb)] == ["TOO_MANY_ALIASES"]
    assert time.perf_counter() - began < 2


async def test_readers_may_not_and_strangers_see_nothing() -> None:
    world, other = await makers.world(), await makers.world()
    reader = await makers.viewer(world.organization, role=Role.READER)
    operator = await makers.viewer(world.organization, scope=Scope.OPERATE)
    before = await everything()
    wanted = {"organizationId": world.organization.id, "source": source()}
    for viewer, code in ((reader, "FORBIDDEN"), (operator, "FORBIDDEN"), (other.owner, "NOT_FOUND")):
        answer = await Api(viewer).change("importService", wanted, "problems { code path }")
        assert answer["problems"] == [{"code": code, "path": "input.organizationId"}]
    assert await everything() == before


async def test_another_organizations_services_are_no_parents() -> None:
    world, other = await makers.world(), await makers.world()
    await import_service(other, source("parent"))
    child = "name: child\ntitle: Child\ntype: service\nfrom: parent\n"
    assert await found_in(world, child) == [(4, "from", "UNKNOWN_PARENT")]
