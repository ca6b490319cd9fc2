"""What containers say, and the log request that reads it.

A line is a function of the container's start, its behaviour and its number: nothing is kept, nobody pays for a log that
nobody reads, and the lines are the same after a restart of this process. The start is told by the container's id.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import web

from simulator import errors
from simulator.behaviour import START_LINES, Behaviour
from simulator.clock import SECOND, nano, parse
from simulator.kinds import PODS, Object
from simulator.requests import TRUE, Request
from simulator.state import State

KEPT = 100_000
"""Lines that a read reaches back, as the kubelet serves only the newest log file."""

_WHY = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}
_GAP = SECOND // 1000


def new_id(start: int) -> str:
    """A container id that holds its start in nanoseconds."""
    return f"containerd://{start:016x}{secrets.token_hex(24)}"


def start_of(container_id: str) -> int:
    """The start that an id holds."""
    return int(container_id.removeprefix("containerd://")[:16], 16)


@dataclass(frozen=True, slots=True)
class Log:
    """The lines of one run of a container: some at its start, then steadily, and its last words at its end."""

    name: str
    start: int
    end: int | None
    behaviour: Behaviour

    def _steady(self, until: int) -> int:
        """How many of the steady lines have been said at a time."""
        past = until - self._first()
        return past // self._step() + 1 if past >= 0 and self.behaviour.rate > 0 else 0

    def _first(self) -> int:
        return self.start + len(START_LINES) * _GAP + self._step()

    def _step(self) -> int:
        return round(SECOND / self.behaviour.rate) if self.behaviour.rate > 0 else SECOND

    def count(self, now: int) -> int:
        """The number of lines said up to a time."""
        until = now if self.end is None else min(now, self.end)
        last = len(self._last()) if self.end is not None and now >= self.end else 0
        return self._started(until) + self._steady(until) + last

    def _started(self, until: int) -> int:
        return max(0, min(len(START_LINES), (until - self.start) // _GAP))

    def _last(self) -> list[str]:
        return self.behaviour.last.splitlines() if self.behaviour.last else []

    def line(self, number: int) -> tuple[int, str]:
        """Time and text of a line, by its number from zero."""
        started = len(START_LINES) if self.end is None else self._started(self.end)
        if number < started:
            return self.start + (number + 1) * _GAP, f"{self.name}: {START_LINES[number]}"
        place = number - started
        if self.end is not None and place >= (steady := self._steady(self.end)):
            return self.end, self._last()[place - steady]
        at = self._first() + place * self._step()
        return at, self.behaviour.line.replace("{n}", str(place + 1)).replace("{name}", self.name)

    def first_since(self, since: int, count: int) -> int:
        """The number of the first line that is not older than a time."""
        low, high = 0, count
        while low < high:
            middle = (low + high) // 2
            if self.line(middle)[0] < since:
                low = middle + 1
            else:
                high = middle
        return low

    def due(self, number: int) -> int | None:
        """When a line that has not been said will be; None when there is none to come."""
        if self.behaviour.rate <= 0 or self.end is not None:
            return None
        return self.line(number)[0]


def container_name(pod: Object, asked: str) -> str:
    """The container that a request means. Raises a 400 where there is none, or no telling which."""
    spec, name = pod["spec"], pod["metadata"]["name"]
    names = [one["name"] for one in spec["containers"]]
    inits = [one["name"] for one in spec.get("initContainers") or []]
    if not asked:
        if len(names) > 1:
            choice = f"choose one of: [{' '.join(names)}]" + (
                f" or one of the init containers: [{' '.join(inits)}]" if inits else ""
            )
            raise errors.bad_request(f"a container name must be specified for pod {name}, {choice}")
        return str(names[0])
    if asked not in [*names, *inits]:
        raise errors.bad_request(f"container {asked} is not valid for pod {name}")
    return asked


class Logs:
    """The log subresource of pods."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def answer(self, request: Request) -> web.StreamResponse:
        """GET of a pod's log. Raises 400 and 404 as the API server and the kubelet do."""
        query = request.http.query
        pod = self.state.cluster.find(PODS, request.namespace, request.name).obj
        name = container_name(pod, query.get("container", ""))
        log = self._run(pod, name, previous=query.get("previous") in TRUE)
        stamped = query.get("timestamps") in TRUE
        budget = int(query["limitBytes"]) if "limitBytes" in query else None
        now = self.state.clock.now()
        said = log.count(now)
        number = self._first(request, log, said, now)
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        response.enable_chunked_encoding()
        await response.prepare(request.http)
        for chunk in _chunks(log, number, said, stamped):
            if budget is not None:
                chunk, budget = chunk[:budget], budget - len(chunk)
            await response.write(chunk)
            if budget is not None and budget <= 0:
                return response
        if query.get("follow") in TRUE:
            await self._follow(request, response, pod, name, log, said, stamped)
        return response

    def _first(self, request: Request, log: Log, said: int, now: int) -> int:
        query = request.http.query
        number = max(0, said - KEPT)
        since = 0
        if text := query.get("sinceTime"):
            if "sinceSeconds" in query:
                why = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
                raise self._invalid(request, "[]", "FieldValueForbidden", why)
            try:
                since = parse(text) // SECOND * SECOND
            except ValueError:
                why = f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse "{text}" as "2006"'
                raise errors.bad_request(why) from None
        elif "sinceSeconds" in query:
            since = now - int(query["sinceSeconds"]) * SECOND
        if since:
            number = max(number, log.first_since(since, said))
        if "tailLines" in query:
            if int(query["tailLines"]) < 0:
                why = f"Invalid value: {query['tailLines']}: must be greater than or equal to 0"
                raise self._invalid(request, "tailLines", "FieldValueInvalid", why)
            number = max(number, said - int(query["tailLines"]))
        return number

    def _invalid(self, request: Request, field: str, reason: str, why: str) -> errors.StatusError:
        message = f'PodLogOptions "{request.name}" is invalid: {field}: {why}'
        cause = {"reason": reason, "message": why, "field": field}
        details = {"name": request.name, "kind": "PodLogOptions", "causes": [cause]}
        return errors.StatusError(422, "Invalid", message, details)

    def _run(self, pod: Object, name: str, *, previous: bool) -> Log:
        shown = pod["metadata"]["name"]
        status = _status(pod, name)
        state, last = status.get("state") or {}, (status.get("lastState") or {}).get("terminated")
        if previous:
            if not last:
                raise errors.bad_request(f'previous terminated container "{name}" in pod "{shown}" not found')
            return self._log(pod, name, last["containerID"], last)
        for part in ("running", "terminated"):
            if part in state:
                found = state[part].get("containerID") or status["containerID"]
                return self._log(pod, name, found, state[part])
        if last:
            return self._log(pod, name, last["containerID"], last)
        why = (state.get("waiting") or {}).get("reason") or "ContainerCreating"
        why = _WHY.get(why, why)
        raise errors.bad_request(f'container "{name}" in pod "{shown}" is waiting to start: {why}')

    def _log(self, pod: Object, name: str, container_id: str, state: Object) -> Log:
        spec = next(one for one in _containers(pod) if one["name"] == name)
        end: int | None = None
        if "finishedAt" in state:
            end = self.state.ends.get(container_id) or parse(state["finishedAt"])
        return Log(name, start_of(container_id), end, self.state.behaviours.of(pod, spec))

    async def _follow(
        self, request: Request, response: web.StreamResponse, pod: Object, name: str, log: Log, said: int, stamped: bool
    ) -> None:
        state, clock = self.state, self.state.clock
        queue = state.store.watch(PODS, request.namespace, lambda obj: obj["metadata"]["uid"] == pod["metadata"]["uid"])
        generation = state.generation
        container_id = f"containerd://{log.start:016x}"
        try:
            with state.stream(queue.ready):
                while not state.closing and state.generation == generation:
                    queue.events.clear()
                    log = self._now(pod, name, container_id, log)
                    count = log.count(clock.now())
                    if count > said and not state.faults.active("silence", "get", request.http.path):
                        for chunk in _chunks(log, said, count, stamped):
                            await response.write(chunk)
                        said = count
                        continue
                    if log.end is not None:
                        return
                    queue.ready.clear()
                    due = log.due(count)
                    timer = clock.later((due - clock.now()) / SECOND, queue.ready.set) if due is not None else None
                    try:
                        await queue.ready.wait()
                    finally:
                        if timer is not None:
                            timer.cancel()
            if state.last_cut == "abort" and state.generation != generation and request.http.transport is not None:
                request.http.transport.abort()
        finally:
            state.store.unwatch(PODS, request.namespace, queue)

    def _now(self, pod: Object, name: str, container_id: str, log: Log) -> Log:
        """The same run, with its end once it has one."""
        meta = pod["metadata"]
        found = self.state.store.get(PODS, meta["namespace"], meta["name"])
        end: int | None = None
        if found is None or found.obj["metadata"]["uid"] != meta["uid"]:
            end = next((at for one, at in self.state.ends.items() if one.startswith(container_id)), None)
            end = end or self.state.clock.now()
        else:
            status = _status(found.obj, name)
            for part in (status.get("state") or {}, status.get("lastState") or {}):
                state = part.get("terminated")
                if state and state["containerID"].startswith(container_id):
                    end = self.state.ends.get(state["containerID"]) or parse(state["finishedAt"])
        return Log(log.name, log.start, end, log.behaviour)


def _containers(pod: Object) -> list[Object]:
    return [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]


def _status(pod: Object, name: str) -> Object:
    status = pod.get("status") or {}
    rows = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    return next((row for row in rows if row["name"] == name), {})


def _chunks(log: Log, first: int, end: int, stamped: bool) -> Iterator[bytes]:
    """The lines of a range, some at a time."""
    for start in range(first, end, 500):
        lines = []
        for number in range(start, min(end, start + 500)):
            at, text = log.line(number)
            lines.append(f"{nano(at)} {text}\n" if stamped else f"{text}\n")
        yield "".join(lines).encode()
