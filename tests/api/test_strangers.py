"""What belongs to another tenant does not exist, at every place of the contract that takes an id."""

from contextlib import aclosing
from typing import Any

import orjson
import pytest

from models import User
from models.ids import PREFIXES, new_id
from resolvers.context import Context
from schema import schema
from schema.limits import Limits
from settings import settings
from tests.api.documents import Place, places_of_ids
from tests.kit import makers
from tests.kit.sandbox import Sandbox
from transport.operations import Asked, Operations, StreamFailed

PREFIX = {name: prefix for prefix, name in PREFIXES.items()}
PLACES = list(places_of_ids())


def test_the_contract_has_places_for_ids() -> None:
    assert {str(place) for place in PLACES} >= {
        "Query node id",
        "Query instances filter.app",
        "Query app organization",
        "Mutation createApp input.instance.clusterId",
        "Mutation deleteInstance input.id",
        "Subscription instanceEvents id",
    }


class Asker:
    """Asks as the owner of a world, with that world's things wherever the document needs another id."""

    def __init__(self, world: makers.World, email: str) -> None:
        self._operations = Operations(schema, Limits.of(settings()), 30)
        self._viewer = world.owner
        self._others = {
            "organizationId": world.organization.id,
            "environmentId": world.environment.id,
            "clusterId": world.cluster.id,
            "stackId": world.stack.stack_id,
            "appId": world.app.id,
            "app": world.app.name,
            "email": email,
            "name": "fresh",
            "title": "Fresh",
            "source": "name: fresh",
            "file": "service.yml",
            "files": [{"name": "service.yml", "text": "name: fresh"}],
            "enabled": True,
            "force": False,
        }

    async def told(self, place: Place, id: str) -> str:
        """The answer, with the id taken out."""
        variables = place.variables(id, self._others)
        prepared = self._operations.prepare(Asked(place.document(), None, variables))
        context = Context(self._viewer, "request")
        if place.root != "Subscription":
            answer: Any = await self._operations.execute(prepared, context, "request")
        else:
            async with aclosing(self._operations.stream(prepared, context, "request")) as events:
                try:
                    answer = await anext(events)
                except StreamFailed as failed:
                    answer = failed.errors
        return orjson.dumps(answer).decode().replace(id, "ID")


@pytest.mark.parametrize("root", ["Query", "Mutation", "Subscription"])
async def test_another_tenants_id_is_answered_as_one_that_does_not_exist(sandbox: Sandbox, root: str) -> None:
    world = sandbox.world
    asker = Asker(world, (await User.get(id=world.owner.user_id)).email)
    theirs = await makers.everything(await makers.world("theirs"))
    differing, found = {}, {}
    for place in PLACES:
        for name, id in theirs.items() if place.root == root else ():
            hidden, missing = await asker.told(place, id), await asker.told(place, new_id(PREFIX[name]))
            if hidden != missing:
                differing[f"{place} with a {name}"] = (hidden, missing)
            chooses = root == "Query" or " filter." in str(place)  # nothing is chosen by what does not exist
            if not chooses and '"NOT_FOUND"' not in missing:
                found[f"{place} with a {name}"] = missing
    assert (differing, found) == ({}, {})


@pytest.mark.parametrize("id", ["no-id", "ins_" + "z" * 1000, "ins_\N{SNOWMAN}"])
async def test_a_text_that_is_no_id_is_answered_as_an_id_that_does_not_exist(sandbox: Sandbox, id: str) -> None:
    world = sandbox.world
    asker = Asker(world, (await User.get(id=world.owner.user_id)).email)
    for place in PLACES:
        if place.root == "Mutation":
            assert await asker.told(place, id) == await asker.told(place, new_id("ins")), place
