"""One installation for all tests here, with an app to make instances of.

Its cluster is a simulated one, or the real one that BERTH_TEST_KUBECONFIG names: then what is away is away for as long
as it may be in earnest.
"""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.kit.halts import Halts
from tests.kit.site import Site

REAL = os.environ.get("BERTH_TEST_KUBECONFIG", "")
WITHIN = 240.0 if REAL else 60.0
"""Seconds for a task: Kubernetes' own controllers take a minute or two to be back after their API server was away."""


@dataclass(frozen=True, slots=True)
class Away:
    """For how many seconds servers are away."""

    postgres: float = 10.0 if REAL else 1.5
    valkey: float = 60.0 if REAL else 1.5
    cluster: float = 2.0 if REAL else 1.5


@dataclass(frozen=True, slots=True)
class Started:
    """The ids of an instance, of its app and of the task that makes it."""

    app: str
    instance: str
    task: str


class App:
    """An app of one of Berth's own stacks, whose first instance runs: a small one where a node must hold several."""

    def __init__(self, site: Site) -> None:
        self._berth = site.berth
        self._site = site
        stack = site.berth.catalogue()["site" if REAL else "shop"]
        self.first = Started(**site.berth.app(f"crash-{uuid.uuid4().hex[:4]}", stack, site.instance("first")))
        ended_well(site, self.first.task)

    def create(self, name: str) -> Started:
        """Starts the creation of another instance."""
        given = {"appId": self.first.app, "instance": self._site.instance(name)}
        made = self._berth.remote.change("createInstance", given, "instance { id } task { id }")
        return Started(self.first.app, made["instance"]["id"], made["task"]["id"])

    def state(self, instance: str) -> str | None:
        """The state of an instance; None when it is gone."""
        shown = self._berth.shown(instance, "state")
        return None if shown is None else str(shown["state"])

    def deleted(self, instance: str) -> None:
        """Deletes an instance and waits until it is gone."""
        ended_well(self._site, self._berth.change("deleteInstance", {"id": instance}))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site"), Path(REAL) if REAL else None) as running:
        yield running


@pytest.fixture(scope="session")
def app(site: Site) -> Iterator[App]:
    made = App(site)
    yield made
    if made.state(made.first.instance) is not None:
        made.deleted(made.first.instance)


@pytest.fixture
def halts(site: Site) -> Iterator[Halts]:
    halting = Halts(site.database_url)
    yield halting
    halting.close()


@pytest.fixture
def away() -> Away:
    return Away()


def ended_well(site: Site, task: str) -> dict[str, Any]:
    """The task when it has ended, which it must have done well."""
    ended = site.berth.ended(task, WITHIN)
    assert (ended["state"], ended["warnings"]) == ("DONE", []), str(ended)
    return ended


def until(found: Callable[[], Any], seconds: float = 60) -> Any:
    """What is found in the end; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return value
