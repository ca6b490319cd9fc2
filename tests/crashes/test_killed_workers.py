"""The worker is killed when it has done a step and before it could say so, at every step: the work is done once."""

from collections.abc import Callable
from functools import partial

from jobs.create_instance import CREATE
from jobs.delete_instance import DELETE, FORCE_DELETE
from jobs.deploy import DEPLOY
from jobs.kinds import Kind
from tests.crashes.conftest import App, Started, ended_well
from tests.kit.halts import Halts
from tests.kit.site import Site


def killed_at_every_step(site: Site, halts: Halts, kind: Kind, start: Callable[[], str]) -> None:
    """Starts a task of a kind, kills whoever has done one of its steps, and waits for its end, which must be a good
    one at the attempt after the last kill."""
    steps = [step.name for job in kind.jobs for step in job.steps]
    halts.at(steps[0])
    task = start()
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if following is not None:
            halts.at(following)
        pid = halts.reached(step)
        site.another_worker()
        site.kill_worker(pid)
        halts.release(step)
    assert ended_well(site, task)["attempt"] == 1 + len(steps)
    assert site.violations() == []


def test_what_kills_its_worker_at_every_step_is_done_once(site: Site, halts: Halts, app: App) -> None:
    started: list[Started] = []

    def create() -> str:
        started.append(app.create("killed"))
        return started[0].task

    killed_at_every_step(site, halts, CREATE, create)
    id = started[0].instance
    assert app.state(id) == "OK"
    for kind, mutation, given, state in (
        (DEPLOY, "deployInstance", {"id": id}, "OK"),
        (DELETE, "deleteInstance", {"id": id}, None),
    ):
        killed_at_every_step(site, halts, kind, partial(site.berth.change, mutation, given))
        assert app.state(id) == state


def test_a_forced_deletion_that_kills_its_worker_is_done_once(site: Site, halts: Halts, app: App) -> None:
    made = app.create("forced")
    ended_well(site, made.task)
    given = {"id": made.instance, "force": True}
    killed_at_every_step(site, halts, FORCE_DELETE, partial(site.berth.change, "deleteInstance", given))
    assert app.state(made.instance) is None
