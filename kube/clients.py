"""A cluster as the rest of Berth calls it: requests with timeouts, fenced writes, streams, one kind of error."""

from asyncio import sleep
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from copy import copy
from typing import Any, Literal

import aiohttp
import orjson

from kube import answers, errors
from kube.connection import STREAM_POOL, Api, Rest, configuration, session, tls
from kube.gate import Gate, Unguarded
from kube.identity import Identity
from kube.kubeconfig import Access
from kube.pace import CALLS, Pace
from settings import settings

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Guard = Callable[[], Awaitable[None]]
Query = Mapping[str, str | int | bool]

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

CONNECT_TIMEOUT = 5.0
POOL_TIMEOUT = 20.0  # for a place among the streams, and the connection
READ_TIMEOUT = 15.0
KNOCK_TIMEOUT = 5.0  # for the smallest question, which says whether the cluster is there, and itself
SILENCE = 90.0  # bookmarks come every minute: a watch that is silent for longer is dead
LARGEST_ANSWER = 64 * 1024 * 1024
KNOCK_LARGEST = 1024 * 1024
_ATTEMPTS = 4
_LONGEST_WAIT = 5.0


class Cluster:
    """One cluster, open. Make it with `await Cluster.open(access)` or `async with connect(access)`; close it once.

    Every call raises errors of `kube.errors` and nothing else of the network's.
    """

    def __init__(self, unary: Api, streams: Api, gate: Gate, uid: str | None) -> None:
        self._unary = unary
        self._streams = streams
        self._gate = gate
        self._identity = None if uid is None else Identity(uid, self.uid)
        self._guard: Guard | None = None
        self.pace = Pace(self.ready)

    @classmethod
    async def open(cls, access: Access, gate: Gate | None = None, uid: str | None = None) -> "Cluster":
        """Prepares sessions; the first call connects. Every request passes the gate.

        uid: which cluster is meant; then nothing is written to another one, and a write raises ClusterChanged.
        Raises KubeconfigInvalid for certificates that are none.
        """
        settled = configuration(access)
        context = tls(access)
        unary, streams = (
            Api(settled, Rest(session(access, context, limit), access.tls_server_name))
            for limit in (CALLS, STREAM_POOL)
        )
        return cls(unary, streams, gate or Unguarded(), uid)

    async def close(self) -> None:
        await self.pace.close()
        await self._unary.rest_client.close()
        await self._streams.rest_client.close()

    def fenced(self, guard: Guard) -> "Cluster":
        """The same cluster, whose every write first awaits `guard`, which raises when the write must not be sent."""
        fenced = copy(self)
        fenced._guard = guard
        return fenced

    async def uid(self) -> str:
        """The UID of the kube-system namespace of the cluster that answers: it is what tells clusters apart."""
        answer = await self.request(
            "GET", "/api/v1/namespaces/kube-system", timeout=KNOCK_TIMEOUT, largest=KNOCK_LARGEST
        )
        return str(answer["metadata"]["uid"])

    async def verify(self) -> None:
        """Asks now whether the cluster that is meant answers. Raises ClusterChanged."""
        if self._identity is not None:
            await self._identity.verify(now=True)

    async def request(
        self,
        method: Method,
        path: str,
        *,
        query: Query | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float | None = None,
        repeatable: bool | None = None,
        largest: int = LARGEST_ANSWER,
    ) -> dict[str, Any]:
        """The answer as plain values. `path` is already quoted. What is larger than `largest` is NotKubernetes.

        Reads, and writes said to be `repeatable`, are repeated within a budget when the cluster did not answer, failed
        or asked for patience. Other writes are repeated only when it refused them unread (429), for else it is not
        known whether they happened. Raises ClusterChanged for a write to another cluster than the one that is meant.
        """
        if method != "GET" and self._identity is not None:
            await self._identity.verify()
        about = f"{method} {path}"
        headers = {"Accept": accept, "Content-Type": content_type}
        data = None if body is None else orjson.dumps(body)
        limit = timeout or (READ_TIMEOUT if method == "GET" else settings().write_timeout)
        repeatable = method == "GET" if repeatable is None else repeatable
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._gate.check()  # before it waits behind those that get no answer
                async with self.pace.room:  # a busy cluster makes calls wait here, before their time begins to run
                    if method != "GET" and self._guard is not None:
                        await self._guard()
                    with self._gate.passing():
                        answer = await self._once(method, path, query, headers, data, limit, about, largest)
            except errors.KubeError as error:
                wait = self._pause(error, repeatable, attempt)
                if wait is None:
                    raise
                self._gate.check()  # it may have shut at this very silence
                await sleep(wait)
            else:
                self.pace.budget.earn()
                return answer
        raise AssertionError("the last attempt returns or raises")

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        *,
        query: Query | None = None,
        silence: float | None = SILENCE,
        accept: str = "application/json",
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An open GET whose status was 200; its body is read by the caller, who meets `errors` only, as here.

        It may have been 204 as well, without a body: so is the log of a pod answered that no node has taken yet.
        `silence`: seconds without a byte after which the stream counts as broken (Unreachable); None where one may say
        nothing for ever, and the caller finds out.
        """
        about = f"GET {path}"
        timeout = aiohttp.ClientTimeout(
            total=None, connect=POOL_TIMEOUT, sock_connect=CONNECT_TIMEOUT, sock_read=silence
        )
        with self._gate.passing():
            try:
                response = await self._send(self._streams, "GET", path, query, {"Accept": accept}, None, timeout)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise answers.from_exception(error, about) from error
        try:
            if response.status not in (200, 204):
                raise answers.from_response(response.status, response.headers, await _read(response), about)
            yield response
        except aiohttp.ClientError as error:
            raise answers.from_exception(error, about) from error
        finally:
            response.close()

    async def ready(self) -> bool:
        """Asks, past the gate, whether it takes requests now; a refusal is an answer too."""
        timeout = aiohttp.ClientTimeout(total=CONNECT_TIMEOUT)
        try:
            async with await self._send(self._unary, "GET", "/readyz", None, {}, None, timeout) as response:
                self._gate.answered()
                return response.status < 500
        except (aiohttp.ClientError, TimeoutError, OSError, errors.KubeError):
            return False

    async def _once(
        self,
        method: Method,
        path: str,
        query: Query | None,
        headers: dict[str, str],
        data: bytes | None,
        limit: float,
        about: str,
        largest: int,
    ) -> dict[str, Any]:
        timeout = aiohttp.ClientTimeout(total=limit, sock_connect=min(CONNECT_TIMEOUT, limit))
        try:
            response = await self._send(self._unary, method, path, query, headers, data, timeout)
            async with response:
                body = await _read(response, largest)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise answers.from_exception(error, about) from error
        if not 200 <= response.status < 300:
            raise answers.from_response(response.status, response.headers, body, about)
        return answers.parse(body)

    async def _send(
        self,
        api: Api,
        method: Method,
        path: str,
        query: Query | None,
        headers: dict[str, str],
        data: bytes | None,
        timeout: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        texts = [
            (key, str(value).lower() if isinstance(value, bool) else str(value)) for key, value in (query or {}).items()
        ]
        response: aiohttp.ClientResponse = await api.call_api(
            path,
            method,
            query_params=texts,
            header_params=dict(headers),
            body=data,
            auth_settings=["BearerToken"],
            _preload_content=False,
            _request_timeout=timeout,
        )
        api.last_response = None  # the generated client would keep the body alive until the next call
        return response

    def _pause(self, error: errors.KubeError, repeatable: bool, attempt: int) -> float | None:
        if attempt == _ATTEMPTS or not error.retryable or isinstance(error, errors.CircuitOpen):
            return None
        if isinstance(error, errors.Throttled):
            wait = error.retry_after
            return min(wait, _LONGEST_WAIT) if self.pace.budget.spend() else None
        repeats = repeatable and isinstance(error, (errors.Unreachable, errors.ServerFault))
        return 0.1 * 2**attempt if repeats and self.pace.budget.spend() else None


@asynccontextmanager
async def connect(access: Access) -> AsyncIterator[Cluster]:
    """A cluster for the length of a block."""
    cluster = await Cluster.open(access)
    try:
        yield cluster
    finally:
        await cluster.close()


async def _read(response: aiohttp.ClientResponse, largest: int = LARGEST_ANSWER) -> bytes:
    """The body, bounded: a hostile server must not be able to fill the memory."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > largest:
            raise errors.NotKubernetes("The answer is larger than any that Kubernetes gives.")
        parts.append(part)
    return b"".join(parts)
