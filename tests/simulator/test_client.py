"""The library that real clusters are reached with speaks to the simulated one as well."""

from typing import cast

from kubernetes_asyncio import client

from tests.simulator.client import TOKEN, Client, workload


async def test_the_python_client_makes_lists_and_deletes(shop: Client) -> None:
    configuration = client.Configuration(host=shop.sim.url)
    async with client.ApiClient(configuration) as api:
        api.set_default_header("Authorization", f"Bearer {TOKEN}")
        core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
        assert (await client.VersionApi(api).get_code()).git_version == "v1.34.0"
        await apps.create_namespaced_deployment("shop", cast("client.V1Deployment", workload(replicas=2)))
        await shop.advance(1)
        found = await apps.read_namespaced_deployment_status("web", "shop")
        assert (found.status.ready_replicas, found.status.conditions[0].type) == (2, "Available")
        pods = await core.list_namespaced_pod("shop", label_selector="app=web")
        assert [pod.status.phase for pod in pods.items] == ["Running", "Running"]
        text = await core.read_namespaced_pod_log(pods.items[0].metadata.name, "shop", tail_lines=1)
        assert text == "web: ready to serve\n"
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "1"}}
        await core.create_namespaced_config_map("shop", cast("client.V1ConfigMap", body))
        patched = await core.patch_namespaced_config_map("settings", "shop", {"data": {"a": "2"}})
        assert patched.data == {"a": "2"}
        await core.delete_namespace("shop")
        await shop.advance(1)
        names = [one.metadata.name for one in (await core.list_namespace()).items]
        assert names == ["default", "kube-node-lease", "kube-public", "kube-system"]
