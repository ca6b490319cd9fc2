"""Workloads: deployments, stateful sets, daemon sets and jobs, and what becomes of their pods."""

from typing import Any

from tests.simulator.client import DEPLOYMENTS, PODS, Client, conditions, container, workload

STATEFUL = "/apis/apps/v1/namespaces/shop/statefulsets"
JOBS = "/apis/batch/v1/namespaces/shop/jobs"
SETS = "/apis/apps/v1/namespaces/shop/replicasets"


async def names(api: Client, path: str) -> list[str]:
    return [item["metadata"]["name"] for item in (await api.get(path))["items"]]


async def images(api: Client) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in (await api.get(PODS))["items"]:
        image = item["spec"]["containers"][0]["image"]
        found[image] = found.get(image, 0) + 1
    return found


def counts(obj: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in obj["status"].items() if name != "conditions"}


async def test_a_deployment_rolls_out_and_says_so(shop: Client) -> None:
    await shop.post(DEPLOYMENTS, workload(replicas=2))
    await shop.advance(0.1)
    found = await shop.get(f"{DEPLOYMENTS}/web")
    assert counts(found) == {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "unavailableReplicas": 2}
    assert conditions(found) == {
        "Available": ("False", "MinimumReplicasUnavailable"), "Progressing": ("True", "ReplicaSetUpdated"),
    }  # fmt: skip
    await shop.advance(0.3)
    found = await shop.get(f"{DEPLOYMENTS}/web")
    assert counts(found) == {
        "observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
    }  # fmt: skip
    assert conditions(found) == {
        "Available": ("True", "MinimumReplicasAvailable"), "Progressing": ("True", "NewReplicaSetAvailable"),
    }  # fmt: skip


async def test_a_rolling_update_keeps_the_service_up(shop: Client) -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    await shop.post(DEPLOYMENTS, workload(replicas=2, strategy=rolling))
    await shop.advance(1)
    new = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "nginx:1.28"}]}}}}
    await shop.merge(f"{DEPLOYMENTS}/web", new)
    seen = []
    for _ in range(20):
        await shop.advance(0.1)
        found = await shop.get(f"{DEPLOYMENTS}/web")
        seen.append((found["status"]["replicas"], found["status"]["availableReplicas"]))
    assert (max(total for total, _ in seen), min(up for _, up in seen)) == (3, 2)
    assert await images(shop) == {"nginx:1.28": 2}
    assert conditions(found)["Progressing"] == ("True", "NewReplicaSetAvailable")
    assert found["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    assert len(await names(shop, SETS)) == 2


async def test_recreate_ends_the_old_pods_first(shop: Client) -> None:
    await shop.post(DEPLOYMENTS, workload(replicas=2, strategy={"type": "Recreate"}))
    await shop.advance(1)
    new = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "nginx:1.28"}]}}}}
    await shop.merge(f"{DEPLOYMENTS}/web", new)
    seen = []
    for _ in range(10):
        await shop.advance(0.1)
        seen.append(await images(shop))
    assert not any(len(one) > 1 for one in seen)
    assert seen[-1] == {"nginx:1.28": 2}


async def test_a_rollout_that_does_not_move_passes_its_deadline(shop: Client) -> None:
    shop.sim.behave(ready="never")
    await shop.post(DEPLOYMENTS, workload(progressDeadlineSeconds=60))
    await shop.advance(50)
    assert conditions(await shop.get(f"{DEPLOYMENTS}/web"))["Progressing"][0] == "True"
    await shop.advance(20)
    found = await shop.get(f"{DEPLOYMENTS}/web")
    row = next(row for row in found["status"]["conditions"] if row["type"] == "Progressing")
    set_name = (await names(shop, SETS))[0]
    assert (row["status"], row["reason"]) == ("False", "ProgressDeadlineExceeded")
    assert row["message"] == f'ReplicaSet "{set_name}" has timed out progressing.'


async def test_a_quota_that_stops_pods_is_told_by_the_deployment(shop: Client) -> None:
    quota = {"metadata": {"name": "limit"}, "spec": {"hard": {"pods": "1"}}}
    await shop.post("/api/v1/namespaces/shop/resourcequotas", quota)
    await shop.post(DEPLOYMENTS, workload(replicas=2))
    await shop.advance(1)
    found = await shop.get(f"{DEPLOYMENTS}/web")
    row = next(row for row in found["status"]["conditions"] if row["type"] == "ReplicaFailure")
    assert (row["status"], row["reason"]) == ("True", "FailedCreate")
    assert row["message"].endswith("exceeded quota: limit, requested: pods=1, used: pods=1, limited: pods=1")


async def test_scaling_and_deleting_a_deployment_takes_its_pods(shop: Client) -> None:
    await shop.post(DEPLOYMENTS, workload(replicas=3))
    await shop.advance(1)
    await shop.merge(f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": 1}})
    await shop.advance(1)
    assert len(await names(shop, PODS)) == 1
    gone = await shop.delete(f"{DEPLOYMENTS}/web")
    assert gone["status"] == "Success"
    await shop.advance(1)
    assert (await names(shop, SETS), await names(shop, PODS)) == ([], [])


async def test_foreground_deletion_waits_and_orphans_stay(shop: Client) -> None:
    await shop.post(DEPLOYMENTS, workload("Deployment", "front"))
    await shop.post(DEPLOYMENTS, workload("Deployment", "left"))
    await shop.advance(1)
    found = await shop.delete(f"{DEPLOYMENTS}/front", {"propagationPolicy": "Foreground"})
    assert found["metadata"]["finalizers"] == ["foregroundDeletion"]
    await shop.delete(f"{DEPLOYMENTS}/left", {"propagationPolicy": "Orphan"})
    await shop.advance(2)
    assert await names(shop, DEPLOYMENTS) == []
    assert [name.rpartition("-")[0] for name in await names(shop, SETS)] == ["left"]
    assert len(await names(shop, PODS)) == 1


async def test_a_deleted_pod_is_replaced(shop: Client) -> None:
    await shop.post(DEPLOYMENTS, workload())
    await shop.advance(1)
    first = (await names(shop, PODS))[0]
    await shop.delete(f"{PODS}/{first}")
    await shop.advance(1)
    second = await names(shop, PODS)
    assert (len(second), second == [first]) == (1, False)


def stateful(**spec: Any) -> dict[str, Any]:
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"],
             "resources": {"requests": {"storage": "1Gi"}}}}  # fmt: skip
    return workload("StatefulSet", "db", serviceName="db", volumeClaimTemplates=[claim], **spec)


async def test_a_stateful_set_starts_its_pods_in_order_with_their_claims(shop: Client) -> None:
    await shop.post(STATEFUL, stateful(replicas=2))
    await shop.advance(0.1)
    assert await names(shop, PODS) == ["db-0"]
    await shop.advance(1)
    assert await names(shop, PODS) == ["db-0", "db-1"]
    claims = "/api/v1/namespaces/shop/persistentvolumeclaims"
    assert await names(shop, claims) == ["data-db-0", "data-db-1"]
    found = await shop.get(f"{STATEFUL}/db")
    revision = found["status"]["updateRevision"]
    assert found["status"] == {
        "observedGeneration": 1, "replicas": 2, "readyReplicas": 2, "currentReplicas": 2, "updatedReplicas": 2,
        "availableReplicas": 2, "currentRevision": revision, "updateRevision": revision, "collisionCount": 0,
    }  # fmt: skip
    await shop.delete(f"{STATEFUL}/db")
    await shop.advance(1)
    assert (await names(shop, PODS), await names(shop, claims)) == ([], ["data-db-0", "data-db-1"])


async def test_a_stateful_set_updates_its_last_pod_first(shop: Client) -> None:
    await shop.post(STATEFUL, stateful(replicas=2))
    await shop.advance(2)
    new = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "nginx:1.28"}]}}}}
    await shop.merge(f"{STATEFUL}/db", new)
    await shop.advance(0.3)
    found = {one["metadata"]["name"]: one["spec"]["containers"][0]["image"] for one in (await shop.get(PODS))["items"]}
    assert found == {"db-0": "nginx:1.27", "db-1": "nginx:1.28"}
    await shop.advance(2)
    assert await images(shop) == {"nginx:1.28": 2}
    status = (await shop.get(f"{STATEFUL}/db"))["status"]
    assert (status["currentRevision"] == status["updateRevision"], status["readyReplicas"]) == (True, 2)


async def test_only_some_fields_of_a_stateful_set_may_change(shop: Client) -> None:
    await shop.post(STATEFUL, stateful())
    status = await shop.refused(
        "PATCH", f"{STATEFUL}/db", {"spec": {"serviceName": "x"}}, "application/merge-patch+json"
    )
    assert (status["code"], status["details"]["causes"][0]["reason"]) == (422, "FieldValueForbidden")


def job(annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    pod = {"restartPolicy": "Never", "containers": [{"name": "task", "image": "busybox:1"}]}
    template = {"metadata": {"annotations": annotations or {}}, "spec": pod}
    return {"metadata": {"name": "task"}, "spec": {"template": template, **spec}}


async def test_a_job_completes(shop: Client) -> None:
    await shop.post(JOBS, job(completions=2))
    await shop.advance(4)
    found = await shop.get(f"{JOBS}/task")
    assert conditions(found) == {
        "SuccessCriteriaMet": ("True", "CompletionsReached"), "Complete": ("True", "CompletionsReached"),
    }  # fmt: skip
    assert (found["status"]["succeeded"], "completionTime" in found["status"]) == (2, True)
    assert len(await names(shop, PODS)) == 2


async def test_a_job_gives_up_after_its_limit(shop: Client) -> None:
    await shop.post(JOBS, job({"simulator/crash": "1", "simulator/after": "0.1"}, backoffLimit=1))
    await shop.advance(5)
    found = await shop.get(f"{JOBS}/task")
    assert conditions(found)["Failed"] == ("True", "BackoffLimitExceeded")
    assert (found["status"]["failed"], found["status"].get("succeeded")) == (2, None)


async def test_a_job_that_takes_too_long_fails_and_a_finished_one_expires(shop: Client) -> None:
    await shop.post(JOBS, job({"simulator/after": "3600"}, activeDeadlineSeconds=30, ttlSecondsAfterFinished=60))
    await shop.advance(32)
    assert conditions(await shop.get(f"{JOBS}/task"))["Failed"] == ("True", "DeadlineExceeded")
    await shop.advance(70)
    assert (await names(shop, JOBS), await names(shop, PODS)) == ([], [])


async def test_a_daemon_set_keeps_one_pod_on_the_node(shop: Client) -> None:
    path = "/apis/apps/v1/namespaces/shop/daemonsets"
    await shop.post(path, workload("DaemonSet", "agent"))
    await shop.advance(1)
    status = (await shop.get(f"{path}/agent"))["status"]
    assert (status["desiredNumberScheduled"], status["numberReady"], status["numberAvailable"]) == (1, 1, 1)
    new = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "nginx:1.28"}]}}}}
    await shop.merge(f"{path}/agent", new)
    await shop.advance(2)
    assert await images(shop) == {"nginx:1.28": 1}
    assert container((await shop.get(PODS))["items"][0])["ready"] is True
