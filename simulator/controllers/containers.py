"""One container on its way: waiting, running, ended, and back again. Its status row says where it stands."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from simulator.behaviour import Behaviour
from simulator.clock import SECOND, Clock, stamp
from simulator.kinds import Object
from simulator.lines import new_id, start_of
from simulator.state import Speeds

REMEMBERED = 10_000
"""Ends of containers that are known to the nanosecond; of older ones the second in their status is left."""

CONFIG = "CreateContainerConfigError"
Say = Callable[..., None]
At = Callable[[str, int], bool]


@dataclass(slots=True)
class Container:
    """One step of one container. `at` says whether the time of a named step has come, and has us called when it does;
    `say` records an event about the pod."""

    spec: Object
    pod: Object
    row: Object
    behaviour: Behaviour
    speeds: Speeds
    clock: Clock
    at: At
    say: Say
    ends: dict[str, int]
    restarts: bool
    notes: dict[str, int]
    missing: str = ""

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def count(self) -> int:
        return int(self.row["restartCount"])

    def advance(self) -> Object:
        """The row after whatever is due has been done."""
        while True:
            before = self.row
            state = before["state"]
            if "waiting" in state:
                self._waiting(state["waiting"]["reason"])
            elif "running" in state:
                self._running()
            else:
                self._ended()
            if self.row is before:
                return self.row

    def _after(self, step: str, seconds: float) -> bool:
        """Whether a time has passed since the step was first asked about."""
        return self.at(f"{step}:{self.name}:{self.count}", self.clock.now() + round(seconds * SECOND))

    def _set(self, **changes: object) -> None:
        self.row = {**self.row, **changes}

    def _wait(self, reason: str, message: str = "") -> None:
        waiting = {"reason": reason} | ({"message": message} if message else {})
        if self.row["state"] != {"waiting": waiting}:
            self._set(state={"waiting": waiting}, ready=False, started=False)

    def _waiting(self, reason: str) -> None:
        if reason == "CrashLoopBackOff":
            if self._after("restart", self._backoff(self.count - 1)):
                self._start()
            return
        if reason == "ErrImagePull":
            if self._after(f"failed{self._tries()}", self.speeds.backoff / 5):
                self.say("BackOff", f'Back-off pulling image "{self.spec["image"]}"', warning=False)
                error = f'Back-off pulling image "{self.spec["image"]}": ErrImagePull: {self.behaviour.pull}'
                self.say("Failed", "Error: ImagePullBackOff", warning=True)
                self._wait("ImagePullBackOff", error)
            return
        if reason == "ImagePullBackOff":
            if not self._after(f"again{self._tries()}", self._backoff(self._tries() - 1)):
                return
        elif reason not in {CONFIG, "RunContainerError"}:
            self._pulling()
            if not self._after("pull", self.speeds.pull):
                return
        self._pull()

    def _tries(self) -> int:
        return self.notes.get("tries", 0)

    def _once(self, note: str) -> bool:
        return self.notes.setdefault(note, 1) == 1 and self.notes.update({note: 2}) is None

    def _pulling(self) -> None:
        if self._once("pulling"):
            self.say("Pulling", f'Pulling image "{self.spec["image"]}"')

    def _pull(self) -> None:
        image = self.spec["image"]
        if self.behaviour.pull:
            self.say("Failed", f'Failed to pull image "{image}": {self.behaviour.pull}', warning=True)
            self.say("Failed", "Error: ErrImagePull", warning=True)
            self.notes["tries"] = self._tries() + 1
            self._wait("ErrImagePull", f'failed to pull and unpack image "{image}": {self.behaviour.pull}')
        elif self.missing:
            self.say("Failed", f"Error: {self.missing}", warning=True)
            self._wait(CONFIG, self.missing)
            if self._after(f"config{self._tries()}", self.speeds.backoff):
                self.notes["tries"] = self._tries() + 1
                self._after(f"config{self._tries()}", self.speeds.backoff)
        else:
            if self._once("pulled"):
                self.say("Pulled", f'Successfully pulled image "{image}" in 150ms (150ms including waiting)')
            if self._after("start", self.speeds.start + self.behaviour.start):
                self._start()

    def _start(self) -> None:
        now, again = self.clock.now(), "containerID" in self.row
        self.say("Created", f"Created container: {self.name}")
        self.say("Started", f"Started container {self.name}")
        image = self.spec["image"]
        self._set(
            containerID=new_id(now),
            image=image,
            resources=self.spec.get("resources") or {},
            imageID=f"{image.partition('@')[0]}@sha256:{sha256(image.encode()).hexdigest()}",
            restartCount=self.count + again,
            state={"running": {"startedAt": stamp(now)}},
            started=True,
            ready=False,
        )

    def _running(self) -> None:
        start = start_of(self.row["containerID"])
        if self.behaviour.exit and self.at(
            f"exit:{self.name}:{self.count}", start + round(self.behaviour.after * SECOND)
        ):
            self.end(int(self.behaviour.exit))
            return
        wanted = self.behaviour.ready or (str(self.speeds.ready) if "readinessProbe" in self.spec else "0")
        if wanted == "never":
            self._deaf(start)
            return
        if not self.row["ready"] and self.at(f"ready:{self.name}:{self.count}", start + round(float(wanted) * SECOND)):
            self._set(ready=True)

    def _deaf(self, start: int) -> None:
        """It runs, and no probe reaches it. The startup probe is asked alone; it and the liveness probe end the run."""
        if self.row["ready"]:
            self._set(ready=False)
        probes = {name: self.spec[f"{name}Probe"] for name in ("startup", "liveness", "readiness")
                  if f"{name}Probe" in self.spec}  # fmt: skip
        for name, probe in list(probes.items())[: 1 if "startup" in probes else None]:
            if port := (probe.get("tcpSocket") or {}).get("port"):
                address = f"{self.pod.get('status', {}).get('podIP', '')}:{port}"
                text = f"{name.capitalize()} probe failed: dial tcp {address}: connect: connection refused"
                self.say("Unhealthy", text, warning=True)
            seconds = probe.get("initialDelaySeconds", 0) + probe["periodSeconds"] * probe["failureThreshold"]
            killed = f"{name}:{self.name}:{self.count}"
            if name != "readiness" and self.at(killed, start + seconds * SECOND):
                self.say("Killing", f"Container {self.name} failed {name} probe, will be restarted")
                self.end(137)
                return

    def end(self, code: int, reason: str = "") -> None:
        """Ends the run with an exit code."""
        now, container_id = self.clock.now(), self.row["containerID"]
        self.ends[container_id] = now
        if len(self.ends) > REMEMBERED:
            del self.ends[next(iter(self.ends))]
        ended = {
            "exitCode": code, "reason": reason or ("Completed" if code == 0 else "Error"),
            "startedAt": stamp(start_of(container_id)), "finishedAt": stamp(now), "containerID": container_id,
        }  # fmt: skip
        self._set(state={"terminated": ended}, ready=False, started=False)

    def _ended(self) -> None:
        ended = self.row["state"]["terminated"]
        if not self.restarts:
            return
        self._set(lastState={"terminated": ended})
        if self.count == 0:
            self._start()
            return
        seconds = round(self._backoff(self.count - 1))
        meta = self.pod["metadata"]
        where = f"{meta['name']}_{meta['namespace']}({meta['uid']})"
        self.say("BackOff", f"Back-off restarting failed container {self.name} in pod {where}", warning=True)
        self._wait("CrashLoopBackOff", f"back-off {_duration(seconds)} restarting failed container={self.name} "
                   f"pod={where}")  # fmt: skip

    def _backoff(self, times: int) -> float:
        return float(min(self.speeds.backoff * 2 ** min(max(0, times), 20), self.speeds.longest_backoff))


def _duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def fresh(spec: Object, reason: str) -> Object:
    """The row of a container that has not been looked at."""
    return {
        "name": spec["name"], "image": spec["image"], "imageID": "", "restartCount": 0, "ready": False,
        "started": False, "state": {"waiting": {"reason": reason}}, "lastState": {},
    }  # fmt: skip
