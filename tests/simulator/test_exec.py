"""Exec over a websocket: channels, exit codes, input, and what is refused before it begins."""

import json
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from tests.simulator.client import CONFIG_MAPS, PODS, Client, config_map, pod

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"


async def run(api: Client, *command: str, typed: bytes | None = None, protocol: str = V5, **more: str) -> Any:
    """Standard output, standard error and the Status at the end."""
    query = [("command", word) for word in command] + [("stdout", "true"), ("stderr", "true"), *more.items()]
    if typed is not None:
        query.append(("stdin", "true"))
    said = {1: "", 2: "", 3: ""}
    path = f"{PODS}/web/exec?{urlencode(query)}"
    async with api.session.ws_connect(path, protocols=[protocol]) as socket:
        assert socket.protocol == protocol
        if typed is not None:
            await socket.send_bytes(b"\x00" + typed)
            if protocol == V5:
                await socket.send_bytes(b"\xff\x00")
        async for message in socket:
            said[message.data[0]] += message.data[1:].decode()
    return said[1], said[2], json.loads(said[3])


@pytest.fixture
async def web(shop: Client) -> Client:
    await shop.post(CONFIG_MAPS, config_map("settings", colour="blue"))
    mount = [{"name": "web", "image": "nginx:1", "volumeMounts": [{"name": "files", "mountPath": "/etc/web"}]}]
    await shop.post(PODS, pod(containers=mount, volumes=[{"name": "files", "configMap": {"name": "settings"}}]))
    await shop.advance(1)
    return shop


@pytest.mark.parametrize("protocol", [V5, V4])
async def test_a_command_answers_and_succeeds(web: Client, protocol: str) -> None:
    done = {"metadata": {}, "status": "Success"}
    assert await run(web, "echo", "hello", "there", protocol=protocol) == ("hello there\n", "", done)


async def test_an_exit_code_is_told(web: Client) -> None:
    out, error, status = await run(web, "sh", "-c", "echo a; echo b >&2; exit 3")
    assert (out, error) == ("a\n", "b\n")
    assert status == {
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": "command terminated with non-zero exit code: command terminated with exit code 3",
        "details": {"causes": [{"reason": "ExitCode", "message": "3"}]},
    }  # fmt: skip


async def test_mounted_files_can_be_read(web: Client) -> None:
    assert (await run(web, "cat", "/etc/web/colour"))[0] == "blue"
    out, error, status = await run(web, "cat", "/nope")
    assert (out, error) == ("", "cat: can't open '/nope': No such file or directory\n")
    assert status["details"]["causes"][0]["message"] == "1"


async def test_input_is_passed_on_until_it_is_closed(web: Client) -> None:
    assert (await run(web, "cat", typed=b"over here\n"))[0] == "over here\n"


async def test_a_shell_with_a_terminal_shows_what_is_typed(web: Client) -> None:
    out, _, status = await run(web, "sh", typed=b"hostname\rexit 2\r", tty="true", protocol=V4)
    assert out == "/ # hostname\r\nweb\r\n/ # exit 2\r\n"
    assert status["details"]["causes"][0]["message"] == "2"


async def test_a_program_that_is_not_there_is_an_error(web: Client) -> None:
    status = (await run(web, "nope"))[2]
    assert (status["code"], status["reason"]) == (500, "InternalError")
    assert status["message"].endswith('exec: "nope": executable file not found in $PATH: unknown')


async def test_refusals_come_before_the_websocket(web: Client) -> None:
    assert (await web.refused("GET", f"{PODS}/web/exec?command=echo"))["message"] == "Upgrade request required"
    wrong = await web.refused("GET", f"{PODS}/web/exec?command=echo&container=nope")
    assert wrong["message"] == "container nope is not valid for pod web"
    assert (await web.refused("GET", f"{PODS}/nobody/exec?command=echo"))["code"] == 404
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await run(web, "echo", protocol="v1.other")
