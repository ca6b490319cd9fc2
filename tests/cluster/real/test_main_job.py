"""The main job on a real node with real containers: created, upgraded, failed by name, deleted, forced."""

import asyncio
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from catalogue import own
from kube.clients import MERGE, connect
from kube.kubeconfig import embed, read
from tests.cluster.real.conftest import FIRST
from tests.kit.installation import Installation
from tests.kit.stacks import service, stack

SECOND = os.environ.get("BERTH_TEST_SECOND_KUBECONFIG", "")
SERVICES = "services { name state runtime { ready desired } }"


BUSYBOX = "registry.local/busybox"
FAILING = (
    service("missing", "{name: main, image: registry.local/not-there}"),
    service("crashing", f"{{name: main, image: {BUSYBOX}, args: [sh, -c, 'echo going; echo down; exit 7']}}"),
    service(
        "huge",
        f"{{name: main, image: {BUSYBOX}, args: [sleep, '1000'], resources: {{request: {{cpu: 60000, memory: 64}}}}}}",
    ),
    service("fine", f"{{name: main, image: {BUSYBOX}, args: [sh, -c, 'while sleep 1; do echo fine; done']}}"),
    stack("missing", "missing"),
    stack("crashing", "crashing"),
    stack("huge", "huge"),
    stack("fine", "fine"),
)


@pytest.fixture(scope="module")
def stacks(berth: Installation) -> dict[str, str]:
    return berth.catalogue(*FAILING)


@pytest.fixture
def wanted(berth: Installation, first: str) -> dict[str, Any]:
    """The input of an instance with a name of its own on the real cluster."""
    return {"name": f"i{uuid.uuid4().hex[:6]}", "environmentId": berth.environment(), "clusterId": first}


def in_cluster(path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """An object of the real cluster as it is, or as it is after a merge patch."""

    async def ask() -> dict[str, Any]:
        async with connect(read(embed(FIRST.read_text(), FIRST.parent), allow_private=True)) as cluster:
            if body is None:
                return await cluster.request("GET", path)
            return await cluster.request("PATCH", path, body=body, content_type=MERGE)

    return asyncio.run(ask())


def until(found: Callable[[], Any], seconds: float = 60) -> Any:
    """What is found in the end; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return value


def test_a_shop_runs_with_a_database_a_queue_and_a_web_server(
    berth: Installation, stacks: dict[str, str], wanted: dict[str, Any]
) -> None:
    made = berth.app("shop", stacks["shop"], wanted)
    task = berth.ended(made["task"])
    assert (task["state"], task["failure"]) == ("DONE", None)

    def runs() -> bool:
        services = berth.shown(made["instance"], SERVICES)["services"]
        counts = {one["name"]: (one["runtime"] or {}).get("ready") for one in services}
        return counts == {"web": 3, "worker": 1, "postgres": 1, "valkey": 1, "log-writer": 1}

    until(runs)
    assert berth.shown(made["instance"], "state") == {"state": "OK"}
    namespace = berth.shown(made["instance"], "namespace")["namespace"]
    pods = in_cluster(f"/api/v1/namespaces/{namespace}/pods")["items"]
    assert {status["restartCount"] for pod in pods for status in pod["status"]["containerStatuses"]} == {0}
    assert berth.ended(berth.change("deleteInstance", {"id": made["instance"]}))["state"] == "DONE"
    assert berth.shown(made["instance"], "state") is None


FAILURES = {
    "missing": ("IMAGE_PULL_FAILED", "registry.local/not-there:1"),
    "crashing": ("CRASH_LOOP", "exit code 7"),
    "huge": ("UNSCHEDULABLE", "cpu"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_what_cannot_run_fails_by_name(
    berth: Installation, stacks: dict[str, str], wanted: dict[str, Any], name: str
) -> None:
    code, cause = FAILURES[name]
    made = berth.app(name, stacks[name], wanted)
    task = berth.ended(made["task"])
    assert (task["state"], task["failure"]["code"]) == ("FAILED", code)
    assert cause in task["failure"]["rootCause"]
    assert task["failure"]["suggestedActions"] != []
    if name == "crashing":
        assert [line for line in task["failure"]["evidence"] if line in ("going", "down")] == ["going", "down"]
    shown = berth.shown(made["instance"], "state services { state }")
    assert shown == {"state": "AWAITING", "services": [{"state": "ERRORED"}]}
    assert berth.ended(berth.change("deleteInstance", {"id": made["instance"]}))["state"] == "DONE"


def test_a_namespace_that_hangs_is_shown_holding_and_can_be_forced(
    berth: Installation, stacks: dict[str, str], wanted: dict[str, Any], first: str
) -> None:
    made = berth.app("fine", stacks["fine"], wanted)
    assert berth.ended(made["task"])["state"] == "DONE"
    namespace = berth.shown(made["instance"], "namespace")["namespace"]
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts/berth-app"
    in_cluster(account, {"metadata": {"finalizers": ["example.dev/hold"]}})

    berth.change("deleteInstance", {"id": made["instance"]})
    held = {"kind": "ServiceAccount", "name": "berth-app", "finalizers": ["example.dev/hold"]}
    until(lambda: held in berth.shown(made["instance"], "holding { kind name finalizers }")["holding"])
    forced = berth.ended(berth.change("deleteInstance", {"id": made["instance"], "force": True}))
    assert forced["state"] == "DONE_WITH_WARNINGS"
    assert namespace in forced["warnings"][0]
    assert berth.shown(made["instance"], "state") is None
    listed = "query($id: ID!) { node(id: $id) { ... on Cluster { abandonedNamespaces { nodes { name } } } } }"
    assert berth.remote.ask(listed, id=first)["node"]["abandonedNamespaces"]["nodes"] == [{"name": namespace}]

    in_cluster(account, {"metadata": {"finalizers": None}})
    until(lambda: not berth.remote.ask(listed, id=first)["node"]["abandonedNamespaces"]["nodes"])


def test_a_deployment_that_fails_goes_back_to_what_ran(
    berth: Installation, stacks: dict[str, str], wanted: dict[str, Any]
) -> None:
    steady = "{name: main, image: %s, args: [sh, -c, 'while sleep 1; do echo %s; done']}"
    both = (service("first", steady % (BUSYBOX, "one")), service("other", steady % (BUSYBOX, "one")))
    made = berth.app("back", berth.catalogue(*both, stack("back", "first", "other"))["back"], wanted)
    assert berth.ended(made["task"])["state"] == "DONE"
    namespace = berth.shown(made["instance"], "namespace")["namespace"]
    deployments = [f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}" for name in ("first", "other")]
    templates = [in_cluster(path)["spec"]["template"] for path in deployments]

    newer = (
        service("first", steady % ("registry.local/not-there", "two")),
        service("other", steady % (BUSYBOX, "two")),
    )
    berth.catalogue(*newer, stack("back", "first", "other"))
    task = berth.ended(berth.change("upgradeInstance", {"id": made["instance"]}))
    assert (task["state"], task["failure"]["code"]) == ("FAILED", "IMAGE_PULL_FAILED")
    assert task["failure"]["wentBack"] == ["first", "other"]
    shown = berth.shown(made["instance"], "state services { state needsRedeploy } drift { objects { name } }")
    again = {"state": "OK", "needsRedeploy": True}
    assert shown == {"state": "OK", "services": [again, again], "drift": {"objects": []}}
    assert [in_cluster(path)["spec"]["template"] for path in deployments] == templates
    assert berth.ended(berth.change("deleteInstance", {"id": made["instance"]}))["state"] == "DONE"


SITE = next(one.text for one in own.documents() if one.file.endswith("stacks/site/stack.yml"))


@pytest.mark.skipif(not SECOND, reason="there is no second cluster")
def test_instances_of_one_app_differ_in_cluster_and_revision_and_one_is_upgraded(
    berth: Installation, stacks: dict[str, str], wanted: dict[str, Any]
) -> None:
    second = berth.cluster("second", Path(SECOND))
    made = berth.app("site", stacks["site"], wanted)
    assert berth.ended(made["task"])["state"] == "DONE"
    given = {"organizationId": berth.organization, "source": SITE.replace("main: true", "main: true\n  replicas: 2")}
    berth.remote.change("importStack", given, "stack { id }")
    berth.remote.change("publishStack", {"id": stacks["site"]}, "stack { id }")
    other = {**wanted, "name": f"{wanted['name']}b", "clusterId": second}
    newer = berth.remote.change(
        "createInstance", {"appId": made["app"], "instance": other}, "instance { id } task { id }"
    )
    assert berth.ended(newer["task"]["id"])["state"] == "DONE"

    revision = "stackRevision { number } outdated"
    assert berth.shown(made["instance"], revision) == {"stackRevision": {"number": 1}, "outdated": True}
    assert berth.shown(newer["instance"]["id"], revision) == {"stackRevision": {"number": 2}, "outdated": False}
    assert berth.ended(berth.change("upgradeInstance", {"id": made["instance"]}))["state"] == "DONE"
    assert berth.shown(made["instance"], revision) == {"stackRevision": {"number": 2}, "outdated": False}
    namespace = berth.shown(made["instance"], "namespace")["namespace"]
    web = in_cluster(f"/apis/apps/v1/namespaces/{namespace}/deployments/web")
    assert web["status"]["readyReplicas"] == 2
    for instance in (made["instance"], newer["instance"]["id"]):
        assert berth.ended(berth.change("deleteInstance", {"id": instance}))["state"] == "DONE"
