"""What exists for a viewer: the conditions in SQL say what `Viewer.sees` says."""

import pytest

from models import App, Instance, Task
from resolvers.context import Context
from resolvers.nouns import NOUNS
from resolvers.selection import Selection
from rules.enums import Role, TaskState
from rules.viewer import Viewer
from tests.kit import makers

pytestmark = pytest.mark.usefixtures("opened_database")

Owners = tuple[str, str | None, str | None]


async def rows_of(world: makers.World) -> dict[str, dict[str, Owners]]:
    """Two apps with two instances each: by noun, the owners of every row."""
    of = world.organization
    owners: dict[str, dict[str, Owners]] = {name: {} for name in ("Cluster", "App", "Instance", "Task")}
    owners["Cluster"][world.cluster.id] = (of.id, None, None)
    apps = [world.app, await makers.app(of, "second", world.stack)]
    for app in apps:
        owners["App"][app.id] = (of.id, app.id, None)
        for name in ("a", "b"):
            instance = await makers.instance(world, name, app=app)
            owners["Instance"][instance.id] = (of.id, app.id, instance.id)
            task = await makers.task(instance, TaskState.DONE)
            owners["Task"][task.id] = (of.id, app.id, instance.id)
            whole = await makers.task(instance, TaskState.DONE, instance_id=None)
            owners["Task"][whole.id] = (of.id, app.id, None)
    apart = await makers.task(instance, TaskState.DONE, instance_id=None, app_id=None)
    owners["Task"][apart.id] = (of.id, None, None)
    return owners


async def viewers_of(world: makers.World) -> list[Viewer]:
    of = world.organization
    first = await Instance.filter(app_id=world.app.id).order_by("name").first()
    second = await App.get(organization_id=of.id, name="second")
    return [
        world.owner,
        await makers.viewer(of, role=Role.READER),
        await makers.viewer(of, app=second),
        await makers.viewer(of, instance=first),
        await makers.viewer(await makers.organization("elsewhere")),
        await makers.viewer(),
    ]


async def test_lists_and_nodes_show_exactly_what_the_rule_lets_a_viewer_see() -> None:
    world = await makers.world("acme")
    owners = await rows_of(world)
    await rows_of(await makers.world("other"))
    assert await Task.all().count() == 18
    counts = []
    for viewer in await viewers_of(world):
        seen = {}
        for name, rows in owners.items():
            found = await NOUNS[name].of_ids(Context(viewer, "test"), rows, Selection())
            assert found.keys() == {id for id, of in rows.items() if viewer.sees(*of)}, (viewer, name)
            seen[name] = len(found)
        counts.append(seen)
    everything = {"Cluster": 1, "App": 2, "Instance": 4, "Task": 9}
    nothing = dict.fromkeys(everything, 0)
    one_app = {**nothing, "App": 1, "Instance": 2, "Task": 4}
    one_instance = {**nothing, "App": 1, "Instance": 1, "Task": 3}
    assert counts == [everything, everything, one_app, one_instance, nothing, nothing]
