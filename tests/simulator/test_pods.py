"""Pods: scheduled, pulled, started, ready; and all the ways in which they are not."""

from typing import Any

import pytest

from tests.simulator.client import CONFIG_MAPS, PODS, Client, conditions, config_map, container, pod

CLAIMS = "/api/v1/namespaces/shop/persistentvolumeclaims"


def disk(storage_class: str) -> dict[str, Any]:
    size = {"requests": {"storage": "1Gi"}}
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": storage_class, "resources": size}
    return {"metadata": {"name": "disk"}, "spec": spec}


async def reasons(api: Client, name: str) -> list[str]:
    events = (await api.get(f"/api/v1/namespaces/shop/events?fieldSelector=involvedObject.name%3D{name}"))["items"]
    return [event["reason"] for event in events]


async def test_a_pod_is_scheduled_pulled_started_and_ready(shop: Client) -> None:
    await shop.post(PODS, pod())
    await shop.advance(0.1)
    found = await shop.get(f"{PODS}/web")
    assert (found["status"]["phase"], found["spec"]["nodeName"]) == ("Pending", "simulated-node")
    assert container(found)["state"] == {"waiting": {"reason": "ContainerCreating"}}
    assert conditions(found)["Ready"] == ("False", "ContainersNotReady")
    await shop.advance(0.2)
    found = await shop.get(f"{PODS}/web")
    row = container(found)
    assert found["status"]["phase"] == "Running"
    assert (row["ready"], row["started"], row["restartCount"]) == (True, True, 0)
    assert row["state"] == {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    assert row["containerID"].startswith("containerd://")
    assert found["status"]["podIP"].startswith("10.244.")
    assert {name: value for name, (value, _) in conditions(found).items()} == dict.fromkeys(
        ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"), "True"
    )
    assert await reasons(shop, "web") == ["Scheduled", "Pulling", "Pulled", "Created", "Started"]


async def test_a_readiness_probe_takes_its_time(shop: Client) -> None:
    probe = {"httpGet": {"path": "/", "port": 80}}
    await shop.post(PODS, pod(containers=[{"name": "web", "image": "nginx:1.27", "readinessProbe": probe}]))
    await shop.advance(0.31)
    assert container(await shop.get(f"{PODS}/web"))["ready"] is False
    await shop.advance(0.05)
    assert container(await shop.get(f"{PODS}/web"))["ready"] is True


@pytest.mark.parametrize(
    ("option", "value"), [("ready", "never"), ("start", "3600")], ids=["never ready", "a slow start"]
)
async def test_a_container_may_not_become_ready(shop: Client, option: str, value: str) -> None:
    await shop.post(PODS, pod(annotations={f"simulator/{option}": value}))
    await shop.advance(600)
    assert conditions(await shop.get(f"{PODS}/web"))["Ready"] == ("False", "ContainersNotReady")


async def test_an_image_that_cannot_be_pulled_is_tried_again(shop: Client) -> None:
    shop.sim.behave("nginx:*", pull="no such host")
    await shop.post(PODS, pod())
    await shop.advance(0.3)
    waiting = container(await shop.get(f"{PODS}/web"))["state"]["waiting"]
    assert waiting == {
        "reason": "ErrImagePull", "message": 'failed to pull and unpack image "nginx:1.27": no such host',
    }  # fmt: skip
    await shop.advance(2)
    assert container(await shop.get(f"{PODS}/web"))["state"]["waiting"]["reason"] == "ImagePullBackOff"
    shop.sim.behaviours.clear()
    await shop.advance(15)
    assert container(await shop.get(f"{PODS}/web"))["ready"] is True


async def test_a_crashing_container_backs_off_longer_each_time(shop: Client) -> None:
    told = {"simulator/crash": "3", "simulator/after": "1", "simulator/last": "out of luck"}
    await shop.post(PODS, pod(annotations=told))
    await shop.advance(3)
    row: Any = container(await shop.get(f"{PODS}/web"))
    assert (row["restartCount"], row["state"]["waiting"]["reason"]) == (1, "CrashLoopBackOff")
    assert row["state"]["waiting"]["message"].startswith("back-off 10s restarting failed container=web pod=web_shop(")
    ended = row["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (3, "Error")
    await shop.advance(11.5)
    row = container(await shop.get(f"{PODS}/web"))
    assert (row["restartCount"], row["state"]["waiting"]["message"][:12]) == (2, "back-off 20s")
    assert (await reasons(shop, "web")).count("BackOff") == 1


async def test_a_pod_that_nothing_takes_stays_unscheduled(shop: Client) -> None:
    await shop.post(PODS, pod(annotations={"simulator/unschedulable": "Insufficient cpu"}))
    await shop.advance(1)
    found = await shop.get(f"{PODS}/web")
    row = found["status"]["conditions"][0]
    assert (row["type"], row["status"], row["reason"]) == ("PodScheduled", "False", "Unschedulable")
    assert row["message"] == "0/1 nodes are available: 1 Insufficient cpu."
    assert await reasons(shop, "web") == ["FailedScheduling"]
    await shop.merge(f"{PODS}/web", {"metadata": {"annotations": {"simulator/unschedulable": None}}})
    await shop.advance(6)
    assert (await shop.get(f"{PODS}/web"))["status"]["phase"] == "Running"


async def test_a_pod_without_the_settings_it_names_waits_for_them(shop: Client) -> None:
    spec = [{"name": "web", "image": "nginx:1.27", "envFrom": [{"configMapRef": {"name": "settings"}}]}]
    await shop.post(PODS, pod(containers=spec))
    await shop.advance(1)
    waiting = container(await shop.get(f"{PODS}/web"))["state"]["waiting"]
    assert waiting == {"reason": "CreateContainerConfigError", "message": 'configmap "settings" not found'}
    await shop.post(CONFIG_MAPS, config_map("settings"))
    await shop.advance(11)
    assert (await shop.get(f"{PODS}/web"))["status"]["phase"] == "Running"


async def test_a_pod_whose_volume_is_missing_says_so(shop: Client) -> None:
    await shop.post(PODS, pod(volumes=[{"name": "files", "secret": {"secretName": "keys"}}]))
    await shop.advance(1)
    assert container(await shop.get(f"{PODS}/web"))["state"] == {"waiting": {"reason": "ContainerCreating"}}
    assert "FailedMount" in await reasons(shop, "web")
    await shop.post("/api/v1/namespaces/shop/secrets", {"metadata": {"name": "keys"}})
    await shop.advance(3)
    assert (await shop.get(f"{PODS}/web"))["status"]["phase"] == "Running"


async def test_init_containers_run_before_the_others(shop: Client) -> None:
    await shop.post(PODS, pod(initContainers=[{"name": "setup", "image": "busybox:1"}]))
    await shop.advance(0.32)
    found = await shop.get(f"{PODS}/web")
    assert "running" in found["status"]["initContainerStatuses"][0]["state"]
    assert container(found)["state"] == {"waiting": {"reason": "PodInitializing"}}
    await shop.advance(0.5)
    found = await shop.get(f"{PODS}/web")
    assert found["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 0
    assert container(found)["ready"] is True


async def test_a_pod_that_need_not_run_again_succeeds_or_fails(shop: Client) -> None:
    await shop.post(PODS, pod("good", restartPolicy="Never"))
    await shop.post(PODS, pod("bad", {"simulator/crash": "7"}, restartPolicy="Never"))
    await shop.advance(2)
    assert (await shop.get(f"{PODS}/good"))["status"]["phase"] == "Succeeded"
    found = await shop.get(f"{PODS}/bad")
    assert (found["status"]["phase"], container(found)["state"]["terminated"]["exitCode"]) == ("Failed", 7)
    chosen = (await shop.get(f"{PODS}?fieldSelector=status.phase%3DFailed"))["items"]
    assert [one["metadata"]["name"] for one in chosen] == ["bad"]


async def test_a_deleted_pod_ends_at_the_signal_or_when_its_grace_is_over(shop: Client) -> None:
    await shop.post(PODS, pod("polite"))
    await shop.post(PODS, pod("deaf", {"simulator/sigterm": "ignore"}, terminationGracePeriodSeconds=10))
    await shop.advance(1)
    for name in ("polite", "deaf"):
        assert "deletionTimestamp" in (await shop.delete(f"{PODS}/{name}"))["metadata"]
    await shop.advance(1)
    assert (await shop.refused("GET", f"{PODS}/polite"))["code"] == 404
    assert container(await shop.get(f"{PODS}/deaf"))["state"].keys() == {"running"}
    await shop.advance(9)
    assert (await shop.refused("GET", f"{PODS}/deaf"))["code"] == 404


async def test_a_pod_without_its_account_is_forbidden(shop: Client) -> None:
    status = await shop.refused("POST", PODS, pod(serviceAccountName="robot"))
    assert status["message"] == (
        'pods "web" is forbidden: error looking up service account shop/robot: serviceaccount "robot" not found'
    )


async def test_a_pod_waits_for_its_claim(shop: Client) -> None:
    claim = disk("fast")
    await shop.post(CLAIMS, claim)
    await shop.post(PODS, pod(volumes=[{"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}}]))
    await shop.advance(1)
    message = (await shop.get(f"{PODS}/web"))["status"]["conditions"][0]["message"]
    assert message == "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."
    await shop.post("/apis/storage.k8s.io/v1/storageclasses", {"metadata": {"name": "fast"}, "provisioner": "x"})
    await shop.advance(6)
    assert (await shop.get(f"{PODS}/web"))["status"]["phase"] == "Running"
    found = await shop.get(f"{CLAIMS}/disk")
    assert (found["status"]["phase"], found["status"]["capacity"]) == ("Bound", {"storage": "1Gi"})


async def test_a_claim_may_wait_for_its_first_pod(shop: Client) -> None:
    late = {"metadata": {"name": "late"}, "provisioner": "x", "volumeBindingMode": "WaitForFirstConsumer"}
    await shop.post("/apis/storage.k8s.io/v1/storageclasses", late)
    await shop.post(CLAIMS, disk("late"))
    await shop.advance(1)
    assert (await shop.get(f"{CLAIMS}/disk"))["status"] == {"phase": "Pending"}
    assert await reasons(shop, "disk") == ["WaitForFirstConsumer"]
    await shop.post(PODS, pod(volumes=[{"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}}]))
    await shop.advance(1)
    assert (await shop.get(f"{CLAIMS}/disk"))["status"]["phase"] == "Bound"
    assert (await shop.get(f"{PODS}/web"))["status"]["phase"] == "Running"


async def test_a_claim_that_a_pod_uses_outlives_its_deletion(shop: Client) -> None:
    await shop.post(CLAIMS, disk("standard"))
    await shop.post(PODS, pod(volumes=[{"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}}]))
    await shop.advance(1)
    await shop.delete(f"{CLAIMS}/disk")
    await shop.advance(1)
    assert (await shop.get(f"{CLAIMS}/disk"))["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    await shop.delete(f"{PODS}/web")
    await shop.advance(1)
    assert (await shop.refused("GET", f"{CLAIMS}/disk"))["code"] == 404


async def test_a_running_pod_does_not_mind_that_its_settings_go(shop: Client) -> None:
    await shop.post(CONFIG_MAPS, config_map("settings"))
    await shop.post(PODS, pod(volumes=[{"name": "files", "configMap": {"name": "settings"}}]))
    await shop.advance(1)
    await shop.delete(f"{CONFIG_MAPS}/settings")
    await shop.merge(f"{PODS}/web", {"metadata": {"labels": {"a": "b"}}})
    await shop.advance(1)
    assert container(await shop.get(f"{PODS}/web"))["ready"] is True
