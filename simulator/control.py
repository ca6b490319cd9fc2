"""The control API under /simulator/, with the same token as everything else.

GET, POST, DELETE faults      what is switched on; {fault, and the fields of `faults.Fault`} switches on; off
POST, DELETE behaviours       {image, namespace, and options of `behaviour.Behaviour`} adds a rule; back to none
POST compact                  every version so far is too old, and watches are told so
POST cut                      {end: abort | clean | expired, path} ends the open streams of a path (a glob; all)
POST rotate                   {path} begins a new file for the logs of a path: later readers miss what is in the old one
POST reread                   {path} has the open logs of a path tell their file once more from its start
POST identity                 kube-system gets another UID, as if another cluster answered
POST version                  {version: v1.20.3} is what /version says from now on
GET clock                     the time here in nanoseconds, and whether a test drives it
"""

import uuid
from typing import Any

import orjson
from aiohttp import web

from simulator import errors
from simulator.clock import DrivenClock
from simulator.kinds import NAMESPACES, Object
from simulator.state import State


def compact(state: State) -> None:
    """Makes every version and continue token so far too old, and says so to every open watch."""
    state.store.version += 1
    state.store.compact()
    for watch in state.store.watches():
        watch.close("expired")


def become_another(state: State) -> str:
    """Gives kube-system another UID, as if another cluster answered at the same address; returns it."""
    held = state.cluster.find(NAMESPACES, "", "kube-system").obj
    uid = str(uuid.uuid4())
    state.store.put(NAMESPACES, {**held, "metadata": {**held["metadata"], "uid": uid}})
    return uid


async def answer(state: State, http: web.Request) -> web.Response:
    """One control request. Raises 400 for what is not understood, 404 for a path that is not there."""
    what = http.path.removeprefix("/simulator/")
    try:
        body: Any = orjson.loads(await http.read()) if http.can_read_body else {}
    except orjson.JSONDecodeError:
        raise errors.bad_request("the body is not JSON") from None
    if not isinstance(body, dict):
        raise errors.bad_request("the body must be an object")
    found = _do(state, http.method, what, body)
    state.wake()
    return web.Response(body=orjson.dumps(found), content_type="application/json")


def _do(state: State, method: str, what: str, body: Object) -> Object | list[Object]:
    match method, what:
        case "GET", "faults":
            return state.faults.shown()
        case "POST", "faults":
            state.faults.add(**body)
            return state.faults.shown()
        case "DELETE", "faults":
            state.faults.clear()
            return []
        case "POST", "behaviours":
            state.behaviours.add(**body)
            state.changed()
            return {}
        case "DELETE", "behaviours":
            state.behaviours.clear()
            state.changed()
            return {}
        case "POST", "compact":
            compact(state)
            return {"resourceVersion": str(state.store.version)}
        case "POST", "cut":
            state.cut(str(body.get("end", "abort")), str(body.get("path", "*")))
            return {}
        case "POST", "rotate":
            state.rotate(str(body.get("path", "*")))
            return {}
        case "POST", "reread":
            state.reread(str(body.get("path", "*")))
            return {}
        case "POST", "identity":
            return {"uid": become_another(state)}
        case "POST", "version":
            state.release = str(body["version"])
            return state.version()
        case "GET", "clock":
            return {"now": state.clock.now(), "driven": isinstance(state.clock, DrivenClock)}
    raise errors.unknown_path()
