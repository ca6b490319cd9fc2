"""What goes wrong with logs between a container and its reader, and the bytes that containers write."""

import aiohttp
import pytest

from tests.simulator.client import PODS, Client, pod

LOG = f"{PODS}/web/log"


async def said(api: Client, text: str, query: str = "") -> bytes:
    """The log of a pod that says this at its start and nothing after."""
    await api.post(PODS, pod(annotations={"simulator/first": text, "simulator/rate": "0"}))
    await api.advance(1)
    async with api.session.get(f"{LOG}?{query}") as answer:
        assert answer.status == 200
        return await answer.read()


async def talking(api: Client) -> None:
    await api.post(PODS, pod(annotations={"simulator/first": ""}))
    await api.advance(1.5)


async def test_a_node_may_fail_after_it_has_answered_200(shop: Client) -> None:
    await talking(shop)
    shop.sim.fault("text", path="*/log", times=1)
    assert await shop.get(LOG) == "failed to create fsnotify watcher: too many open files\n"
    shop.sim.fault("text", path="*/log", times=1, message="unable to retrieve container logs for containerd://1")
    assert await shop.get(f"{LOG}?follow=true") == "unable to retrieve container logs for containerd://1\n"
    assert await shop.get(LOG) == "web line 1\n"


async def test_a_stream_may_end_cleanly_while_the_container_runs(shop: Client) -> None:
    await talking(shop)
    shop.sim.fault("end", path="*/log", times=1, seconds=2)
    stream = await shop.stream(f"{LOG}?follow=true")
    await shop.advance(2)
    assert await stream.rest() == "web line 1\nweb line 2\nweb line 3\n"


async def test_a_stream_may_be_dropped_in_the_middle(shop: Client) -> None:
    await talking(shop)
    shop.sim.fault("cut", path="*/log", times=1, seconds=2)
    stream = await shop.stream(f"{LOG}?follow=true")
    await shop.advance(2)
    with pytest.raises(aiohttp.ClientPayloadError):
        await stream.rest()


async def test_only_the_streams_of_a_path_are_cut(shop: Client) -> None:
    await talking(shop)
    log, watch = await shop.stream(f"{LOG}?follow=true"), await shop.stream(f"{PODS}?watch=1")
    assert (await watch.event())[0] == "ADDED"
    shop.sim.cut("clean", path="*/log")
    assert await log.rest() == "web line 1\n"
    await shop.merge(f"{PODS}/web", {"metadata": {"labels": {"mark": "1"}}})
    assert (await watch.event())[0] == "MODIFIED"
    watch.close()


async def test_a_resume_repeats_the_whole_second(shop: Client) -> None:
    await shop.post(PODS, pod(annotations={"simulator/rate": "4", "simulator/first": ""}))
    await shop.advance(3)
    lines = str(await shop.get(f"{LOG}?timestamps=true&sinceTime=2026-01-01T00:00:01.9Z")).splitlines()
    assert lines[0].startswith("2026-01-01T00:00:01.053000000Z ")


async def test_lines_of_a_rotated_file_are_lost_to_who_comes_later(shop: Client) -> None:
    await talking(shop)
    open_before = await shop.stream(f"{LOG}?follow=true")
    assert await open_before.line() == "web line 1\n"
    await shop.advance(2)
    shop.sim.rotate("*/pods/web/log")
    assert await shop.get(LOG) == ""
    await shop.advance(1)
    assert await shop.get(f"{LOG}?sinceTime=2026-01-01T00:00:01Z") == "web line 4\n"
    assert [await open_before.line() for _ in range(3)] == ["web line 2\n", "web line 3\n", "web line 4\n"]
    open_before.close()


async def test_a_file_may_be_told_twice_in_one_stream(shop: Client) -> None:
    await talking(shop)
    stream = await shop.stream(f"{LOG}?follow=true")
    assert await stream.line() == "web line 1\n"
    shop.sim.reread()
    await shop.advance(1)
    assert [await stream.line(), await stream.line()] == ["web line 1\n", "web line 2\n"]
    stream.close()


async def test_a_silent_log_holds_its_lines_back(shop: Client) -> None:
    await talking(shop)
    shop.sim.fault("silence", path="*/log")
    stream = await shop.stream(f"{LOG}?follow=true&tailLines=0")
    await shop.advance(3)
    shop.sim.clear_faults()
    assert await stream.line() == "web line 2\n"
    stream.close()


async def test_the_faults_of_logs_can_be_switched_over_http(shop: Client) -> None:
    await talking(shop)
    stream = await shop.stream(f"{LOG}?follow=true")
    assert await stream.line() == "web line 1\n"
    await shop.post("/simulator/reread", {"path": "*/log"})
    assert await stream.line() == "web line 1\n"
    await shop.post("/simulator/rotate", {})
    await shop.post("/simulator/cut", {"end": "clean", "path": "*/log"})
    assert await stream.rest() == ""
    assert await shop.get(LOG) == ""


async def test_what_is_said_at_once_is_of_one_nanosecond(shop: Client) -> None:
    lines = (await said(shop, "a\\nb\\n\\nc\\n", "timestamps=true")).splitlines()
    assert lines == [b"2026-01-01T00:00:00.300000000Z " + text for text in (b"a", b"b", b"", b"c")]


async def test_bytes_are_passed_on_as_they_are(shop: Client) -> None:
    text = r"caf\0303\0251 \0377 \0 \r10%\r20% \u2028 a\\nb\n"
    assert await said(shop, text) == b"caf\xc3\xa9 \xff \0 \r10%\r20% \\u2028 a\\nb\n"


async def test_a_long_line_is_joined_and_cut_as_its_parts_are(shop: Client) -> None:
    whole = await said(shop, "x" * 40_000 + "\\nend\\n", "timestamps=true")
    first, last = whole.splitlines()
    assert (len(first), last[31:]) == (31 + 40_000, b"end")
    async with shop.session.get(f"{LOG}?tailLines=2&timestamps=true") as answer:
        part = (await answer.read()).splitlines()
    assert [len(line) for line in part] == [31 + 40_000 - 2 * 16_384, 31 + 3]


async def test_a_last_line_without_its_newline_stays_without(shop: Client) -> None:
    assert await said(shop, "one\\r\\ntwo") == b"one\ntwo"
