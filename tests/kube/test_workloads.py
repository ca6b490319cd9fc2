"""How a workload is and why it fails, judged from what the API gives."""

from typing import Any

import pytest

from kube.failures import Failure, of_pods, of_refusal, of_workload
from kube.labels import TEMPLATE, WORKLOAD
from kube.workloads import Runtime, current, is_rolled_out, replica, runtime, wanted

LABELS = {WORKLOAD: "web"}


def deployment(desired: int | None = 2, **status: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": LABELS, "annotations": {TEMPLATE: "new"}}}
    return {
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": LABELS, "generation": 2},
        "spec": {"template": template} | ({} if desired is None else {"replicas": desired}),
        "status": {"observedGeneration": 2, **status},
    }


def pod(*statuses: dict[str, Any], ready: bool = False, template: str = "new", **status: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}, *status.pop("conditions", [])]
    return {
        "kind": "Pod",
        "metadata": {"name": "web-1", "uid": "u", "labels": LABELS, "annotations": {TEMPLATE: template}},
        "status": {"conditions": conditions, "containerStatuses": list(statuses), **status},
    }


def container(restarts: int = 0, last: dict[str, Any] | None = None, **state: Any) -> dict[str, Any]:
    found = {"name": "web", "image": "web:1", "restartCount": restarts, "state": state}
    return found | ({"lastState": {"terminated": last}} if last else {})


def waiting(reason: str, message: str = "", **options: Any) -> dict[str, Any]:
    return container(**options, waiting={"reason": reason, "message": message})


def now(workload: dict[str, Any], pods: list[dict[str, Any]]) -> Runtime:
    """How a workload is, from what is kept of it and of its pods."""
    return runtime(wanted(workload), map(replica, pods))


UNSCHEDULABLE = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no cpu"}]


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ([pod(ready=True), pod(ready=True)], Runtime(2, 2)),
        ([pod(ready=True)] * 3, Runtime(2, 2)),
        ([pod(ready=True), pod(container(running={}))], Runtime(1, 2, "NotReady")),
        ([], Runtime(0, 2, "NotReady")),
        ([pod(waiting("ContainerCreating"))], Runtime(0, 2, "NotReady")),
        ([pod(waiting("ImagePullBackOff"))], Runtime(0, 2, "ImagePullBackOff")),
        ([pod(waiting("CrashLoopBackOff", last={"reason": "OOMKilled"}))], Runtime(0, 2, "OOMKilled")),
        ([pod(waiting("CrashLoopBackOff", last={"reason": "Error"}))], Runtime(0, 2, "CrashLoopBackOff")),
        ([pod(container(terminated={"exitCode": 1, "reason": "Error"}))], Runtime(0, 2, "Error")),
        ([pod(conditions=UNSCHEDULABLE)], Runtime(0, 2, "Unschedulable")),
        ([pod(reason="Evicted")], Runtime(0, 2, "Evicted")),
    ],
)
def test_how_a_workload_is_now(pods: list[dict[str, Any]], expected: Runtime) -> None:
    assert now(deployment(), pods) == expected


def test_pods_that_end_or_belong_to_others_do_not_count() -> None:
    ending = pod(ready=True)
    ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    other = pod(ready=True)
    other["metadata"]["labels"] = {WORKLOAD: "other"}
    assert now(deployment(1), [ending, other]) == Runtime(0, 1, "NotReady")


def test_a_workload_whose_pods_are_refused_says_so() -> None:
    conditions = [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}]
    assert now(deployment(1, conditions=conditions), []) == Runtime(0, 1, "FailedCreate")


def test_a_workload_that_is_turned_off_is_as_it_should_be() -> None:
    assert now(deployment(0), []) == Runtime(0, 0)
    assert now(deployment(None), [pod(ready=True)]) == Runtime(1, 1)


def test_pods_of_an_earlier_template_are_not_current() -> None:
    old, new = pod(template="old"), pod()
    assert current(deployment(), [old, new]) == [new]


@pytest.mark.parametrize(
    ("status", "done"),
    [
        ({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}, True),
        ({"replicas": 3, "updatedReplicas": 2, "availableReplicas": 3}, False),
        ({"replicas": 2, "updatedReplicas": 1, "availableReplicas": 2}, False),
        ({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 1}, False),
        ({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "observedGeneration": 1}, False),
        ({}, False),
    ],
)
def test_when_a_deployment_is_rolled_out(status: dict[str, Any], done: bool) -> None:
    assert is_rolled_out(deployment(**status)) is done


@pytest.mark.parametrize(
    ("kind", "spec", "status", "done"),
    [
        ("StatefulSet", {"replicas": 1}, {"replicas": 1, "availableReplicas": 1, "updatedReplicas": 1}, True),
        (
            "StatefulSet",
            {"replicas": 1},
            {"replicas": 1, "availableReplicas": 1, "currentRevision": "a", "updateRevision": "a"},
            True,
        ),
        (
            "StatefulSet",
            {"replicas": 1},
            {"replicas": 1, "availableReplicas": 1, "currentRevision": "a", "updateRevision": "b"},
            False,
        ),
        (
            "StatefulSet",
            {"replicas": 1, "updateStrategy": {"type": "OnDelete"}},
            {"replicas": 1, "availableReplicas": 1, "currentRevision": "a", "updateRevision": "b"},
            True,
        ),
        (
            "DaemonSet",
            {},
            {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2},
            True,
        ),
        (
            "DaemonSet",
            {},
            {"desiredNumberScheduled": 2, "updatedNumberScheduled": 1, "numberAvailable": 2},
            False,
        ),
        ("DaemonSet", {}, {"desiredNumberScheduled": 0}, True),
    ],
)
def test_when_other_kinds_are_rolled_out(kind: str, spec: dict[str, Any], status: dict[str, Any], done: bool) -> None:
    made = deployment(**status)
    made["kind"] = kind
    made["spec"] = {"template": made["spec"]["template"], **spec}
    assert is_rolled_out(made) is done


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (waiting("ImagePullBackOff", "Back-off pulling"), "IMAGE_PULL_FAILED"),
        (waiting("ErrImagePull"), None),
        (waiting("InvalidImageName"), "IMAGE_PULL_FAILED"),
        (waiting("CreateContainerConfigError", "secret not found"), "CONTAINER_CONFIG"),
        (waiting("CrashLoopBackOff", restarts=2), None),
        (waiting("CrashLoopBackOff", restarts=3, last={"exitCode": 1}), "CRASH_LOOP"),
        (waiting("PodInitializing"), None),
        (container(running={}), None),
    ],
)
def test_which_states_of_a_container_are_failures(status: dict[str, Any], code: str | None) -> None:
    found = of_pods([pod(status)])
    assert (found.code if found else None) == code


def test_running_out_of_memory_is_said_as_such() -> None:
    found = of_pods([pod(waiting("CrashLoopBackOff", restarts=5, last={"reason": "OOMKilled", "exitCode": 137}))])
    assert found is not None
    assert found.message == (
        "The container web crashes again and again: it needs more memory than its limit (OOMKilled)."
    )


def test_a_failure_that_cannot_pass_comes_before_one_that_may() -> None:
    found = of_pods([pod(conditions=UNSCHEDULABLE), pod(waiting("ImagePullBackOff"))])
    assert found is not None
    assert found.code == "IMAGE_PULL_FAILED"
    assert of_pods([pod(conditions=UNSCHEDULABLE)]) == Failure(
        "UNSCHEDULABLE", "No node can take the pod: no cpu", "web-1", patient=True
    )


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('pods "x" is forbidden: exceeded quota: berth', "QUOTA_EXCEEDED"),
        ('pods "x" is forbidden: violates PodSecurity "baseline"', "POLICY_DENIED"),
        ("admission webhook denied the request", "ADMISSION_DENIED"),
    ],
)
def test_a_refused_pod_is_named_by_the_refusal(message: str, code: str) -> None:
    assert of_refusal(message).code == code
    conditions = [{"type": "ReplicaFailure", "status": "True", "message": message}]
    assert of_workload(deployment(conditions=conditions)) == of_refusal(message)


def test_no_progress_in_its_own_deadline_is_a_failure() -> None:
    conditions = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
    found = of_workload(deployment(conditions=conditions))
    assert found is not None
    assert (found.code, found.patient) == ("PROGRESS_DEADLINE", False)
