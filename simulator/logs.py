"""The log request: which run of which container, from where to where, and what is answered where there is none."""

from fnmatch import fnmatchcase

from aiohttp import web

from simulator import errors
from simulator.clock import SECOND, parse
from simulator.kinds import PODS, Object
from simulator.lines import KEPT, Log, start_of
from simulator.requests import TRUE, Request
from simulator.state import State

_WHY = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}


def container_name(pod: Object, asked: str) -> str:
    """The container that a request means. Raises a 400 where there is none, or no telling which."""
    spec, name = pod["spec"], pod["metadata"]["name"]
    names = [one["name"] for one in spec["containers"]]
    inits = [one["name"] for one in spec.get("initContainers") or []]
    if not asked:
        if len(names) > 1:
            choice = " ".join([*inits, *names])
            raise errors.bad_request(f"a container name must be specified for pod {name}, choose one of: [{choice}]")
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
        if not pod["spec"].get("nodeName"):
            return web.Response(status=204)
        log = self._run(pod, name, previous=query.get("previous") in TRUE)
        path, now = request.http.path, self.state.clock.now()
        said = log.count(now)
        number = self._first(request, log, said, now)
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        response.enable_chunked_encoding()
        await response.prepare(request.http)
        if fault := self.state.faults.find("text", request.verb, path):
            await response.write(fault.message.encode() + b"\n")
            return response
        stamped = query.get("timestamps") in TRUE
        budget = int(query["limitBytes"]) if "limitBytes" in query else None
        for chunk in log.written(number, said, stamped=stamped):
            if budget is not None:
                chunk, budget = chunk[:budget], budget - len(chunk)
            await response.write(chunk)
            if budget is not None and budget <= 0:
                return response
        if query.get("follow") in TRUE:
            await self._follow(request, response, pod, log, said, stamped)
        return response

    def _first(self, request: Request, log: Log, said: int, now: int) -> int:
        query = request.http.query
        number, since = self._oldest(request, log, said), 0
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

    def _oldest(self, request: Request, log: Log, said: int) -> int:
        """The first entry that the newest log file holds."""
        path = request.http.path
        lost = max((at for glob, at in self.state.rotated if fnmatchcase(path, glob)), default=0)
        return max(0, said - KEPT, log.first_since(lost + 1, said))

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
        self, request: Request, response: web.StreamResponse, pod: Object, log: Log, said: int, stamped: bool
    ) -> None:
        state, clock, path = self.state, self.state.clock, request.http.path
        queue = state.store.watch(PODS, request.namespace, lambda obj: obj["metadata"]["uid"] == pod["metadata"]["uid"])
        try:
            with state.stream(request.verb, path, queue.ready) as stream:
                while not state.closing and not stream.end:
                    queue.events.clear()
                    log = self._now(pod, log)
                    count = log.count(clock.now())
                    if stream.again:
                        said, stream.again = self._oldest(request, log, count), False
                    if count > said and not state.faults.active("silence", request.verb, path):
                        for chunk in log.written(said, count, stamped=stamped):
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
            if stream.end == "abort" and request.http.transport is not None:
                request.http.transport.abort()
        finally:
            state.store.unwatch(PODS, request.namespace, queue)

    def _now(self, pod: Object, log: Log) -> Log:
        """The same run, with its end once it has one."""
        meta, container_id = pod["metadata"], f"containerd://{log.start:016x}"
        found = self.state.store.get(PODS, meta["namespace"], meta["name"])
        end: int | None = None
        if found is None or found.obj["metadata"]["uid"] != meta["uid"]:
            end = next((at for one, at in self.state.ends.items() if one.startswith(container_id)), None)
            end = end or self.state.clock.now()
        else:
            status = _status(found.obj, log.name)
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
