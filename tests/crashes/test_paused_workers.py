"""A worker is stopped (SIGSTOP) past its lease and continued: it writes nothing more, neither rows nor objects."""

import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.crashes.conftest import App, ended_well, until
from tests.kit.session import Session
from tests.kit.site import Site
from tests.kit.truth import made_by

_WRITTEN = (
    "task t", "job t", "step t", "log_line t", "deployment t", "applied t",
    "event t WHERE kind <> 'RUNTIME' AND subject NOT LIKE 'cls%'",
)  # fmt: skip
_DOING = """
SELECT t.worker FROM step s JOIN task t ON t.id = s.task_id WHERE t.id = $1 AND s.name = $2 AND s.state = 'IN_PROGRESS'
"""


@pytest.fixture
def session(site: Site) -> Iterator[Session]:
    opened = Session(site.database_url)
    yield opened
    opened.close()


def everything(site: Site, session: Session) -> list[Any]:
    """All that tasks have written: rows and events, and the objects in the cluster with their generations."""
    rows = [session.rows(f"SELECT t::text AS row FROM {one} ORDER BY 1") for one in _WRITTEN]
    return [rows, made_by(site.installation, site.kubeconfig)]


def test_a_worker_that_was_paused_past_its_lease_writes_nothing_more(site: Site, app: App, session: Session) -> None:
    step = "create-namespace" if site.simulated else "wait"
    if site.simulated is not None:
        site.simulated.ask("faults", fault="slow", path="/api/v1/namespaces", seconds=3.0, times=1)
    made = app.create("paused")
    pid = int(until(lambda: session.rows(_DOING, made.task, step))[0]["worker"].rpartition(":")[2])
    name, paused = next((name, one) for name, one in site.berth.processes.items() if one.pid == pid)
    log = site.berth.folder / f"{name}.log"
    said = log.stat().st_size if log.exists() else 0
    paused.send_signal(signal.SIGSTOP)
    site.another_worker()
    assert ended_well(site, made.task)["attempt"] >= 2
    before = everything(site, session)

    paused.send_signal(signal.SIGCONT)
    until(lambda: any(words in log.read_bytes()[said:] for words in (b"the lease was lost", b"the task was stopped")))
    time.sleep(1.0)  # a second for whatever it may still want to write

    assert everything(site, session) == before
    assert site.violations() == []
    app.deleted(made.instance)
