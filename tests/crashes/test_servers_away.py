"""The servers that Berth stands on are restarted, emptied or away: work is late, and nothing is lost."""

import time

import pytest

from command.remote import RemoteError
from tests.crashes.conftest import REAL, App, Away, ended_well
from tests.kit.halts import Halts
from tests.kit.site import Site


def is_ok(site: Site, app: App, instance: str, task: str) -> None:
    """The creation ended well, all is as it must be, and the instance can be deleted."""
    ended_well(site, task)
    assert app.state(instance) == "OK"
    assert site.violations() == []
    app.deleted(instance)


def test_work_goes_on_when_the_queue_is_emptied_restarted_or_away(site: Site, app: App, away: Away) -> None:
    emptied = app.create("emptied")
    site.empty_valkey()
    restarted = app.create("restarted")
    site.valkey.stop()
    site.valkey.start()
    site.valkey.stop()
    unheard = app.create("unheard")
    ended_well(site, unheard.task)  # found by the sweep
    time.sleep(away.valkey)
    site.valkey.start()
    for made in (emptied, restarted, unheard):
        is_ok(site, app, made.instance, made.task)


def test_work_goes_on_when_the_database_is_back(site: Site, halts: Halts, app: App, away: Away) -> None:
    halts.at("apply")
    made = app.create("database")
    halts.reached("apply")
    site.postgres.stop()
    with pytest.raises(RemoteError, match="database"):
        app.create("refused")
    time.sleep(away.postgres)
    site.postgres.start()
    is_ok(site, app, made.instance, made.task)


def test_work_goes_on_while_the_api_is_away(site: Site, halts: Halts, app: App) -> None:
    halts.at("create-namespace")
    made = app.create("orphan")
    halts.reached("create-namespace")
    site.berth.kill("api")
    halts.release("create-namespace")
    site.berth.start("api")
    site.berth.until_ready()
    is_ok(site, app, made.instance, made.task)


@pytest.mark.parametrize("step", ["wait"] if REAL else ["apply", "wait"])
def test_a_creation_goes_on_when_its_cluster_is_back(site: Site, halts: Halts, app: App, away: Away, step: str) -> None:
    halts.at(step)
    made = app.create(f"cut-{step}")
    halts.reached(step)
    with site.cut_off(away.cluster):
        halts.release(step)
    is_ok(site, app, made.instance, made.task)


def test_a_deletion_goes_on_when_its_cluster_is_back(site: Site, halts: Halts, app: App, away: Away) -> None:
    made = app.create("gone")
    ended_well(site, made.task)
    halts.at("delete-namespace")
    task = site.berth.change("deleteInstance", {"id": made.instance})
    halts.reached("delete-namespace")
    with site.cut_off(away.cluster):
        halts.release("delete-namespace")
    ended_well(site, task)
    assert app.state(made.instance) is None
    assert site.violations() == []
