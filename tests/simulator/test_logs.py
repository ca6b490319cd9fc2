"""Logs of containers: their tail, their past and their present, and what is answered where there are none."""

from tests.simulator.client import PODS, Client, container, pod

LOG = f"{PODS}/web/log"


async def text(api: Client, query: str = "") -> list[str]:
    return str(await api.get(f"{LOG}?{query}")).splitlines()


async def test_lines_are_said_at_the_start_and_then_every_second(shop: Client) -> None:
    await shop.post(PODS, pod())
    await shop.advance(2.5)
    lines = await text(shop, "timestamps=true")
    assert [line.split(" ", 1)[1] for line in lines] == [
        "web: starting", "web: reading configuration", "web: ready to serve", "web line 1", "web line 2",
    ]  # fmt: skip
    assert lines[0].split(" ", 1)[0] == "2026-01-01T00:00:00.301000000Z"
    assert lines[-1].split(" ", 1)[0] == "2026-01-01T00:00:02.303000000Z"


async def test_a_log_can_be_cut_by_lines_time_and_bytes(shop: Client) -> None:
    await shop.post(PODS, pod())
    await shop.advance(10.5)
    assert await text(shop, "tailLines=2") == ["web line 9", "web line 10"]
    assert await text(shop, "tailLines=0") == []
    assert await text(shop, "sinceSeconds=2") == ["web line 9", "web line 10"]
    assert await text(shop, "sinceTime=2026-01-01T00:00:09.900Z") == ["web line 9", "web line 10"]
    assert await text(shop, "sinceTime=2026-01-01T00:00:01Z&tailLines=1") == ["web line 10"]
    assert await shop.get(f"{LOG}?limitBytes=5") == "web: "


async def test_a_follower_hears_each_line_once_and_ends_with_the_container(shop: Client) -> None:
    await shop.post(PODS, pod())
    await shop.advance(1.5)
    stream = await shop.stream(f"{LOG}?follow=true&tailLines=1")
    assert await stream.line() == "web line 1\n"
    await shop.advance(1)
    assert await stream.line() == "web line 2\n"
    await shop.advance(3)
    assert [await stream.line() for _ in range(3)] == ["web line 3\n", "web line 4\n", "web line 5\n"]
    await shop.delete(f"{PODS}/web")
    await shop.advance(1)
    assert await stream.rest() == ""
    assert (await shop.refused("GET", LOG))["code"] == 404


async def test_talk_is_told_by_rules_and_annotations(shop: Client) -> None:
    shop.sim.behave("nginx:*", rate=10, line="{name} says {n}")
    await shop.post(PODS, pod())
    await shop.post(PODS, pod("quiet", {"simulator/rate": "0"}))
    await shop.post(PODS, pod("busy", containers=[{"name": "log", "image": "busybox:1"}]))
    await shop.advance(1.35)
    assert await text(shop, "tailLines=1") == ["web says 10"]
    assert len(str(await shop.get(f"{PODS}/quiet/log")).splitlines()) == 3
    assert str(await shop.get(f"{PODS}/busy/log?tailLines=1")) == "log line 5\n"


async def test_a_crash_leaves_its_last_words_to_the_previous_log(shop: Client) -> None:
    told = {"simulator/crash": "3", "simulator/after": "1.5", "simulator/last": "fatal: no memory\naborted"}
    await shop.post(PODS, pod(annotations=told))
    await shop.advance(1)
    stream = await shop.stream(f"{LOG}?follow=true&tailLines=0")
    await shop.advance(1)
    assert await stream.rest() == "web line 1\nfatal: no memory\naborted\n"
    before = await text(shop, "previous=true")
    assert before == [
        "web: starting", "web: reading configuration", "web: ready to serve", "web line 1", "fatal: no memory",
        "aborted",
    ]  # fmt: skip
    await shop.advance(2)
    assert container(await shop.get(f"{PODS}/web"))["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert await text(shop, "tailLines=1") == ["aborted"]


async def test_a_container_that_has_not_started_has_no_log(shop: Client) -> None:
    shop.sim.behave(start=60)
    await shop.post(PODS, pod())
    await shop.advance(1)
    status = await shop.refused("GET", LOG)
    assert (status["code"], status["reason"]) == (400, "BadRequest")
    assert status["message"] == 'container "web" in pod "web" is waiting to start: ContainerCreating'


async def test_an_image_that_cannot_be_pulled_has_no_log(shop: Client) -> None:
    shop.sim.behave(pull="no such host")
    await shop.post(PODS, pod())
    await shop.advance(1)
    status = await shop.refused("GET", LOG)
    assert status["message"] == 'container "web" in pod "web" is waiting to start: image can\'t be pulled'


async def test_questions_that_have_no_answer_are_refused(shop: Client) -> None:
    two = [{"name": "web", "image": "nginx:1"}, {"name": "side", "image": "busybox:1"}]
    await shop.post(PODS, pod(containers=two))
    await shop.advance(1)
    assert (await shop.refused("GET", LOG))["message"] == (
        "a container name must be specified for pod web, choose one of: [web side]"
    )
    assert (await shop.refused("GET", f"{LOG}?container=nope"))["message"] == "container nope is not valid for pod web"
    assert (await shop.refused("GET", f"{LOG}?container=web&previous=true"))["message"] == (
        'previous terminated container "web" in pod "web" not found'
    )
    negative = await shop.refused("GET", f"{LOG}?container=web&tailLines=-1")
    assert (negative["code"], negative["details"]["causes"][0]["field"]) == (422, "tailLines")
    both = await shop.refused("GET", f"{LOG}?container=web&sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z")
    assert both["message"].endswith("at most one of `sinceTime` or `sinceSeconds` may be specified")
    assert (await shop.refused("GET", f"{LOG}?container=web&sinceTime=yesterday"))["code"] == 400
    assert (await shop.refused("GET", f"{PODS}/nobody/log"))["code"] == 404
