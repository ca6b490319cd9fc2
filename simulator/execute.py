"""The exec subresource: a websocket with a channel byte before each message (v4 and v5.channel.k8s.io)."""

from collections.abc import AsyncIterator

import orjson
from aiohttp import WSMsgType, web

from simulator import errors
from simulator.kinds import PODS, Object
from simulator.logs import container_name
from simulator.requests import TRUE, Request
from simulator.shell import COMMANDS, CommandNotFoundError, Shell
from simulator.state import State

STDIN, STDOUT, ERROR, CLOSE = 0, 1, 3, 255
PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
PROMPT = "/ # "


async def execute(state: State, request: Request) -> web.StreamResponse:
    """Runs a command in a container. Raises 400, 403 and 404 before the websocket is opened, as the API server does."""
    http, query = request.http, request.http.query
    pod = state.cluster.find(PODS, request.namespace, request.name).obj
    name = container_name(pod, query.get("container", ""))
    command = query.getall("command", [])
    if not command:
        raise errors.bad_request("you must specify at least 1 command for the container")
    offered = [one.strip() for one in http.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    if http.headers.get("Upgrade", "").lower() != "websocket":
        raise errors.bad_request("Upgrade request required")
    if not set(offered) & set(PROTOCOLS):
        raise errors.StatusError(403, "Forbidden", "unable to upgrade: no supported protocol was offered")
    rows = {row["name"]: row for row in (pod.get("status") or {}).get("containerStatuses") or []}
    if "running" not in rows.get(name, {}).get("state", {}):
        raise errors.StatusError(
            500,
            "InternalError",
            f'Internal error occurred: unable to upgrade connection: container not found ("{name}")',
        )
    socket = web.WebSocketResponse(protocols=PROTOCOLS)
    await socket.prepare(http)
    spec = next(one for one in pod["spec"]["containers"] if one["name"] == name)
    session = _Session(socket, Shell(state.store, pod, spec), tty=query.get("tty") in TRUE)
    state.sockets.add(socket)
    try:
        await session.run(command, stdin=query.get("stdin") in TRUE)
    finally:
        state.sockets.discard(socket)
    await socket.close()
    return socket


class _Session:
    """One exec: its socket and the shell behind it."""

    def __init__(self, socket: web.WebSocketResponse, shell: Shell, *, tty: bool) -> None:
        self.socket, self.shell, self.tty = socket, shell, tty

    async def run(self, command: list[str], *, stdin: bool) -> None:
        await self._send(STDOUT, "")
        name = command[0].rpartition("/")[2]
        try:
            if name == "sh" and stdin and "-c" not in command:
                code = await self._interactive()
            elif name in COMMANDS or not stdin:
                code = self.shell.run(command, await self._read_all() if stdin else "")
            else:
                raise CommandNotFoundError(name)
        except CommandNotFoundError as missing:
            await self._send(ERROR, orjson.dumps(_no_command(str(missing))).decode())
            return
        await self._flush()
        await self._send(ERROR, orjson.dumps(_ended(code)).decode())

    async def _interactive(self) -> int:
        """Reads lines and runs each, until `exit` or the end of the input; echoes them where there is a terminal."""
        code, waiting = 0, ""
        if self.tty:
            await self._send(STDOUT, PROMPT)
        async for text in self._input():
            waiting += text.replace("\r\n", "\n").replace("\r", "\n")
            while "\n" in waiting and not self.shell.left:
                line, waiting = waiting.split("\n", 1)
                if self.tty:
                    await self._send(STDOUT, line + "\r\n")
                code = self.shell.script(line)
                await self._flush()
                if self.tty and not self.shell.left:
                    await self._send(STDOUT, PROMPT)
            if self.shell.left:
                break
        return code

    async def _read_all(self) -> str:
        """The input up to its end; with v4, which cannot say where that is, one message of it."""
        found = ""
        async for text in self._input():
            found += text
            if self.socket.ws_protocol != PROTOCOLS[0]:
                break
        return found

    async def _input(self) -> AsyncIterator[str]:
        async for message in self.socket:
            if message.type is not WSMsgType.BINARY or not message.data:
                continue
            if message.data[0] == STDIN:
                yield message.data[1:].decode("utf-8", "replace")
            elif message.data[0] == CLOSE:
                return

    async def _flush(self) -> None:
        for channel, text in self.shell.out:
            await self._send(STDOUT if self.tty else channel, text.replace("\n", "\r\n") if self.tty else text)
        self.shell.out.clear()

    async def _send(self, channel: int, text: str) -> None:
        await self.socket.send_bytes(bytes([channel]) + text.encode())


def _ended(code: int) -> Object:
    """The Status on the error channel."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: command terminated with exit code {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }  # fmt: skip


def _no_command(name: str) -> Object:
    message = (
        "Internal error occurred: error executing command in container: failed to exec in container: OCI runtime exec "
        f'failed: exec failed: unable to start container process: exec: "{name}": executable file not found in $PATH: '
        "unknown"
    )
    return {
        "metadata": {}, "status": "Failure", "message": message, "reason": "InternalError",
        "details": {"causes": [{"message": message}]}, "code": 500,
    }  # fmt: skip
