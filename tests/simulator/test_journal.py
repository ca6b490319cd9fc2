"""The journal: what a cluster was, it is again, also after a kill in the middle of a line."""

from pathlib import Path

import aiohttp
import pytest

from simulator import Simulator, journal
from tests.simulator.client import CONFIG_MAPS, DEPLOYMENTS, PODS, TOKEN, Client, config_map, container, workload


class Run:
    """One life of a cluster that keeps its data in a folder."""

    def __init__(self, data: Path) -> None:
        self.sim = Simulator(TOKEN, driven=True, data=data)

    async def __aenter__(self) -> Client:
        await self.sim.__aenter__()
        await self.sim.advance(0)
        self.session = aiohttp.ClientSession(self.sim.url, headers={"Authorization": f"Bearer {TOKEN}"})
        return Client(self.sim, self.session)

    async def __aexit__(self, *error: object) -> None:
        await self.session.close()
        await self.sim.__aexit__(None, None, None)


async def test_a_cluster_finds_its_objects_and_goes_on(data: Path) -> None:
    async with Run(data) as api:
        system = await api.get("/api/v1/namespaces/kube-system")
        await api.post("/api/v1/namespaces", {"metadata": {"name": "shop"}})
        await api.advance(0)
        await api.post(DEPLOYMENTS, workload())
        await api.advance(1)
        await api.post(CONFIG_MAPS, config_map("gone"))
        await api.delete(f"{CONFIG_MAPS}/gone")
        before = await api.get(PODS)
    async with Run(data) as api:
        assert (await api.get("/api/v1/namespaces/kube-system")) == system
        after = await api.get(PODS)
        assert after["items"] == before["items"]
        assert int(after["metadata"]["resourceVersion"]) >= int(before["metadata"]["resourceVersion"])
        assert (await api.refused("GET", f"{CONFIG_MAPS}/gone"))["code"] == 404
        made = await api.post(CONFIG_MAPS, config_map("new"))
        assert int(made["metadata"]["resourceVersion"]) > int(before["metadata"]["resourceVersion"])
        old = await api.stream(f"{CONFIG_MAPS}?watch=1&resourceVersion=120")
        assert (await old.event())[1]["code"] == 410
        name = after["items"][0]["metadata"]["name"]
        await api.advance(5)
        assert str(await api.get(f"{PODS}/{name}/log?tailLines=1")) == "web line 4\n"


async def test_work_that_was_under_way_is_taken_up(data: Path) -> None:
    async with Run(data) as api:
        await api.post("/api/v1/namespaces", {"metadata": {"name": "shop"}})
        await api.advance(0)
        await api.post(DEPLOYMENTS, workload())
        await api.advance(0.1)
    async with Run(data) as api:
        await api.advance(1)
        assert container((await api.get(PODS))["items"][0])["ready"] is True
        await api.delete("/api/v1/namespaces/shop")
    async with Run(data) as api:
        await api.advance(1)
        assert (await api.refused("GET", "/api/v1/namespaces/shop"))["code"] == 404


async def test_a_line_that_was_cut_off_is_left_out(data: Path) -> None:
    async with Run(data) as api:
        await api.post("/api/v1/namespaces/default/configmaps", config_map("whole"))
    assert (data / "objects.jsonl").stat().st_mode & 0o777 == 0o600
    with (data / "objects.jsonl").open("ab") as file:
        file.write(b'+ {"kind":"ConfigMap","apiVersion":"v1","metada')
    async with Run(data) as api:
        assert (await api.get("/api/v1/namespaces/default/configmaps/whole"))["kind"] == "ConfigMap"


async def test_the_journal_is_written_anew_when_it_is_mostly_old(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "COMPACT", 10_000)
    async with Run(data) as api:
        path = "/api/v1/namespaces/default/configmaps"
        await api.post(path, config_map("one"))
        for number in range(100):
            await api.merge(f"{path}/one", {"data": {"n": str(number), "text": "x" * 200}})
        assert len((data / "objects.jsonl").read_bytes()) < 40_000
    async with Run(data) as api:
        assert (await api.get(f"{path}/one"))["data"]["n"] == "99"
