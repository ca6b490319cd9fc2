"""What watches tell, reduced to how each app service is."""

from typing import Any

from kube.errors import Unreachable
from kube.labels import INSTANCE, SERVICE, WORKLOAD
from kube.watch import Change
from live.observed import KINDS, Key, Observed, Seen

WEB: Key = ("shop-dev", "ins_1", "web")


def labels(service: str = "web", workload: str = "web") -> dict[str, str]:
    return {INSTANCE: "ins_1", SERVICE: service, WORKLOAD: workload}


def workload(name: str = "web", replicas: int = 2, **of: str) -> dict[str, Any]:
    metadata = {"namespace": "shop-dev", "name": name, "uid": name, "labels": labels(**{"workload": name, **of})}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"replicas": replicas}}


def pod(name: str, ready: bool = True, waiting: str = "", **of: str) -> dict[str, Any]:
    metadata = {"namespace": "shop-dev", "name": name, "uid": name, "labels": labels(**of)}
    conditions = [{"type": "Ready", "status": str(ready)}]
    statuses = [{"name": "web", "state": {"waiting": {"reason": waiting}}}] if waiting else []
    return {"metadata": metadata, "status": {"conditions": conditions, "containerStatuses": statuses}}


def observed() -> Observed:
    """With one deployment of two replicas, none of which is there, and everything told."""
    made = Observed()
    made.note("Deployment", Change("ADDED", workload()))
    for kind in KINDS:
        made.note(kind, Change("SYNCED", {}))
    return made


def test_nothing_is_told_before_everything_was() -> None:
    made = Observed()
    made.note("Deployment", Change("ADDED", workload()))
    for kind in sorted(KINDS):
        assert made.take() == {}
        made.note(kind, Change("SYNCED", {}))
    assert made.take() == {WEB: Seen(0, 2, "NotReady")}


def test_each_change_is_told_once() -> None:
    made = observed()
    made.take()
    made.note("Pod", Change("ADDED", pod("a")))
    assert made.take() == {WEB: Seen(1, 2, "NotReady")}
    made.note("Pod", Change("MODIFIED", pod("a")))
    assert made.take() == {}
    made.note("Pod", Change("ADDED", pod("b", ready=False, waiting="ErrImagePull")))
    assert made.take() == {WEB: Seen(1, 2, "ErrImagePull")}
    made.note("Pod", Change("MODIFIED", pod("b")))
    assert made.take() == {WEB: Seen(2, 2)}


def test_what_could_not_be_written_down_is_told_again() -> None:
    made = observed()
    taken = made.take()
    made.again(taken)
    assert made.take() == taken
    assert made.take() == {}


def test_the_workloads_of_a_service_count_together() -> None:
    made = observed()
    made.note("StatefulSet", Change("ADDED", {**workload("web-cache", 1), "kind": "StatefulSet"}))
    made.note("Pod", Change("ADDED", pod("a")))
    made.note("Pod", Change("ADDED", pod("b")))
    made.note("Pod", Change("ADDED", pod("c", workload="web-cache")))
    assert made.take() == {WEB: Seen(3, 3)}


def test_a_service_whose_workloads_are_gone_has_no_numbers() -> None:
    made = observed()
    made.take()
    gone = {"kind": "Deployment", "metadata": {"namespace": "shop-dev", "name": "web", "uid": "web"}}
    made.note("Deployment", Change("DELETED", gone))
    assert made.take() == {WEB: Seen()}
    made.note("Deployment", Change("ADDED", workload()))
    assert made.take() == {WEB: Seen(0, 2, "NotReady")}


def test_what_is_expected_and_not_there_is_told() -> None:
    made = observed()
    made.take()
    made.expect([("shop-dev", "ins_1", "worker")])
    assert made.take() == {("shop-dev", "ins_1", "worker"): Seen()}


def test_while_a_watch_is_broken_nothing_is_told_and_nothing_forgotten() -> None:
    made = observed()
    made.take()
    made.note("Pod", Change("TROUBLE", {}, Unreachable("It does not answer.")))
    made.note("Deployment", Change("MODIFIED", workload(replicas=0)))
    assert (made.synced, made.take()) == (False, {})
    made.note("Pod", Change("SYNCED", {}))
    assert (made.synced, made.take()) == (True, {WEB: Seen(0, 0)})


def test_objects_without_our_labels_are_left_out() -> None:
    made = observed()
    made.take()
    stranger = workload("other")
    stranger["metadata"]["labels"] = {"app": "other"}
    made.note("Deployment", Change("ADDED", stranger))
    assert made.take() == {}


def test_what_was_told_by_watches_that_begin_anew_is_told_as_it_is_then() -> None:
    made = observed()
    made.note("Pod", Change("ADDED", pod("a")))
    made.take()
    made.anew()
    assert (made.synced, made.take()) == (False, {})
    for kind in KINDS:
        made.note(kind, Change("SYNCED", {}))
    assert made.take() == {WEB: Seen()}
