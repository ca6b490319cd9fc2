"""The worker is killed when it has done a step and before it could say so, at every step: the work is done once."""

from collections.abc import Callable
from functools import partial
from typing import Any

from jobs.create_instance import CREATE
from jobs.delete_instance import DELETE, FORCE_DELETE
from jobs.deploy import DEPLOY
from jobs.kinds import Kind
from tests.crashes.conftest import App, Started, ended_well, until
from tests.kit.halts import Halts
from tests.kit.site import Site


def killed_at_every_step(site: Site, halts: Halts, kind: Kind, start: Callable[[], str]) -> dict[str, Any]:
    """Starts a task of a kind and kills whoever has done one of its steps; the task when it has ended, which it must
    have at the attempt after the last kill."""
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
    ended = site.berth.ended(task)
    assert ended["attempt"] == 1 + len(steps)
    return ended


def test_what_kills_its_worker_at_every_step_is_done_once(site: Site, halts: Halts, app: App) -> None:
    started: list[Started] = []

    def create() -> str:
        started.append(app.create("killed"))
        return started[0].task

    assert killed_at_every_step(site, halts, CREATE, create)["state"] == "DONE"
    assert site.violations() == []
    id = started[0].instance
    assert app.state(id) == "OK"
    for kind, mutation, given, state in (
        (DEPLOY, "deployInstance", {"id": id}, "OK"),
        (DELETE, "deleteInstance", {"id": id}, None),
    ):
        ended = killed_at_every_step(site, halts, kind, partial(site.berth.change, mutation, given))
        assert (ended["state"], app.state(id)) == ("DONE", state)
        assert site.violations() == []


def test_a_forced_deletion_that_kills_its_worker_is_done_once(site: Site, halts: Halts, app: App) -> None:
    made = app.create("forced")
    ended_well(site, made.task)
    given = {"id": made.instance, "force": True}
    ended = killed_at_every_step(site, halts, FORCE_DELETE, partial(site.berth.change, "deleteInstance", given))
    assert app.state(made.instance) is None
    assert (ended["state"], len(ended["warnings"])) in (("DONE", 0), ("DONE_WITH_WARNINGS", 1))
    until(lambda: not site.violations())  # a namespace that takes longer than a forced deletion is looked after
