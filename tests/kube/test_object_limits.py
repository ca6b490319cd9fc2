"""Whatever a valid plan holds, its objects keep Kubernetes' rules for names, labels, selectors, ports and keys."""

import re
from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.plan import LIMIT_NAME, LIMIT_STATEFUL_SET
from catalogue.release import (
    ConfigFile,
    Container,
    Endpoint,
    EnvVar,
    InstancePlan,
    Mount,
    Port,
    Protocol,
    Resources,
    ServicePlan,
    Strategy,
    Volume,
    Workload,
    WorkloadKind,
)
from kube.labels import Identity
from kube.manifests import level_of, namespace, objects
from kube.resources import resource_of
from rules.names import VARIABLE
from simulator.kinds import STORED
from simulator.security import violations
from simulator.validate import check

LONG = st.builds(lambda letter, length: letter * length, st.sampled_from("az"), st.integers(48, 63))
NAME = LONG | st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
LETTERED = LONG | st.from_regex(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=80)
KEY = st.from_regex(
    r"([a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", fullmatch=True
)
VARIABLES = st.from_regex(VARIABLE, fullmatch=True)
FILE = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,252}", fullmatch=True)
USER = st.none() | st.integers(1, 2**31 - 1)
PROTOCOLS: tuple[Protocol, ...] = ("http", "tcp", "udp")
AMOUNT = st.none() | st.integers(1, 10_000)
SHARE = st.none() | st.integers(0, 10).map(str) | st.integers(0, 100).map(lambda number: f"{number}%")

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
SERVICE = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
QUALIFIED = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
PORT = re.compile(r"(?=.*[a-z])[a-z0-9](-?[a-z0-9]){0,14}")
DATA = re.compile(r"(?!\.$|\.\.)[A-Za-z0-9._-]{1,253}")


def some(names: st.SearchStrategy[str], least: int = 0, most: int = 3) -> st.SearchStrategy[list[str]]:
    return st.lists(names, min_size=least, max_size=most, unique=True)


@st.composite
def container(draw: st.DrawFn, name: str, volumes: list[str]) -> Container:
    env = tuple(EnvVar(each, draw(TEXT), draw(st.booleans())) for each in draw(some(VARIABLES)))
    request, limit = draw(AMOUNT), draw(AMOUNT)
    if request is not None and limit is not None:
        request, limit = sorted((request, limit))
    mounts = tuple(Mount(each, f"/mnt/{at}", draw(st.booleans())) for at, each in enumerate(volumes))
    user = draw(USER)
    return Container(
        name=name,
        image="registry.local/made:1",
        env=env,
        resources=Resources(draw(AMOUNT), request, None, limit),
        mounts=mounts,
        args=draw(st.none() | st.just(("a", "b"))),
        user=user,
        group=None if user is None else draw(st.none() | st.integers(0, 2**31 - 1)),
    )


@st.composite
def service(draw: st.DrawFn, name: str) -> ServicePlan:
    """A service as the catalogue makes it: what the catalogue refuses is not drawn."""
    volumes = [each for each in draw(some(NAME)) if len(f"{name}-{each}") <= LIMIT_NAME]
    workloads = []
    for at, each in enumerate(draw(some(NAME, 1, 2))):
        object_name = name if at == 0 else f"{name}-{each}"
        kinds: list[WorkloadKind] = ["deployment", "daemonset"] if len(object_name) <= LIMIT_NAME else []
        kinds += ["statefulset"] if len(object_name) <= LIMIT_STATEFUL_SET else []
        if not kinds:
            continue
        containers = tuple(draw(container(one, [] if at else volumes)) for one in draw(some(NAME, 1, 2)))
        strategy = Strategy(
            draw(st.sampled_from(["rolling", "recreate", "onDelete"])),
            draw(SHARE.filter(lambda share: share not in ("0", "0%"))),
            draw(SHARE),
            draw(AMOUNT),
            draw(st.none() | st.integers(10_001, 20_000)),
            draw(AMOUNT),
        )
        kind = draw(st.sampled_from(kinds))
        workloads.append(Workload(each, object_name, kind, not at, draw(st.integers(0, 5)), containers, strategy))
    endpoints = []
    for at, each in enumerate(draw(some(NAME, 0, 2))):
        host = name if at == 0 else f"{name}-{each}"
        numbers = draw(st.lists(st.integers(1, 65535), min_size=1, max_size=3, unique=True))
        sorts = [draw(st.sampled_from(PROTOCOLS)) for _ in numbers]
        ports = tuple(Port(f"p-{n}", n, sort, draw(st.booleans())) for n, sort in zip(numbers, sorts, strict=True))
        target = draw(st.sampled_from([one.name for one in workloads]))
        if len(host) <= LIMIT_NAME:
            endpoints.append(Endpoint(each, host, target, not at, ports))
    return ServicePlan(
        name=name,
        title=draw(TEXT),
        type=draw(TEXT),
        version=draw(st.none() | TEXT),
        revision=draw(TEXT),
        helm=False,
        external=False,
        workloads=tuple(workloads),
        endpoints=tuple(endpoints),
        volumes=tuple(
            Volume(each, f"{name}-{each}", draw(st.integers(1, 65_536)), None, draw(st.booleans())) for each in volumes
        ),
        configs=tuple(
            ConfigFile(each, draw(FILE), draw(TEXT), draw(st.none() | st.just(f"/etc/{each}")))
            for each in draw(some(NAME))
        ),
        annotations=tuple(sorted((each, draw(TEXT)) for each in draw(some(KEY)))),
        after=(),
    )


@st.composite
def plans(draw: st.DrawFn) -> tuple[Identity, InstancePlan]:
    identity = Identity(draw(TEXT), draw(TEXT), draw(TEXT), draw(NAME), draw(TEXT), draw(NAME), draw(NAME), draw(TEXT))
    found = [draw(service(name)) for name in draw(some(LETTERED, 1, 2))]
    taken = Counter(host for one in found for host in hosts(one))
    found = [one for one in found if not any(taken[host] > 1 for host in hosts(one))]
    return identity, InstancePlan(identity.app, identity.instance, identity.namespace, tuple(found))


def hosts(one: ServicePlan) -> list[str]:
    """Names that no two services may share, which the catalogue holds."""
    return [
        *{endpoint.host for endpoint in one.endpoints} | {workload.object_name for workload in one.workloads},
        *{f"claim {volume.claim}" for volume in one.volumes},
    ]


def check_metadata(manifest: dict[str, Any]) -> None:
    metadata = manifest["metadata"]
    rule = {"Service": SERVICE, "Namespace": LABEL}.get(manifest["kind"], SUBDOMAIN)
    assert rule.fullmatch(metadata["name"])
    for key, value in metadata["labels"].items():
        assert QUALIFIED.fullmatch(key)
        assert VALUE.fullmatch(value)
    for key in metadata.get("annotations", {}):
        assert QUALIFIED.fullmatch(key)


def check_template(spec: dict[str, Any], made: set[tuple[str, str]]) -> None:
    template = spec["template"]
    assert spec["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    check_metadata({"kind": "Pod", "metadata": {"name": "pod", **template["metadata"]}})
    pod = template["spec"]
    names = [one["name"] for one in pod["containers"]]
    volumes = {one["name"]: one for one in pod.get("volumes", [])}
    assert len(set(names)) == len(names)
    assert len(volumes) == len(pod.get("volumes", []))
    assert all(LABEL.fullmatch(name) for name in [*names, *volumes])
    assert ("ServiceAccount", pod["serviceAccountName"]) in made
    for volume in volumes.values():
        claim, file = volume.get("persistentVolumeClaim"), volume.get("configMap")
        reference = ("PersistentVolumeClaim", claim["claimName"]) if claim else ("ConfigMap", file["name"])
        assert reference in made
    ports = [port for one in pod["containers"] for port in one.get("ports", [])]
    assert all(PORT.fullmatch(port["name"]) for port in ports)
    for values in ([port["name"] for port in ports], [(port["containerPort"], port["protocol"]) for port in ports]):
        assert len(set(values)) == len(values)
    for one in pod["containers"]:
        paths = [mount["mountPath"] for mount in one.get("volumeMounts", [])]
        assert len(set(paths)) == len(paths)
        assert {mount["name"] for mount in one.get("volumeMounts", [])} <= volumes.keys()
        for source in one.get("envFrom", []):
            [(kind, reference)] = source.items()
            assert ({"configMapRef": "ConfigMap", "secretRef": "Secret"}[kind], reference["name"]) in made


@settings(deadline=None, max_examples=40)
@given(plans())
def test_the_objects_of_any_plan_keep_kubernetes_rules(drawn: tuple[Identity, InstancePlan]) -> None:
    identity, plan = drawn
    body = namespace(identity, level_of(plan))
    made = objects(identity, plan)
    keys = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in made]
    assert len(set(keys)) == len(keys)
    kinds = {(kind.group, kind.name): kind for kind in STORED}
    for manifest in (body, *made):
        resource_of(manifest)
        check_metadata(manifest)
        group = manifest["apiVersion"].rpartition("/")[0]
        check(kinds[group, manifest["kind"]], manifest)
        if manifest["kind"] == "Service":
            ports = manifest["spec"].get("ports", [])
            assert all(PORT.fullmatch(port["name"]) for port in ports)
            assert len({port["name"] for port in ports}) == len(ports)
        if manifest["kind"] in ("ConfigMap", "Secret"):
            assert all(DATA.fullmatch(key) for key in manifest["data"])
        if "template" in manifest.get("spec", {}):
            check_template(manifest["spec"], set(keys))
            assert violations(body, manifest["spec"]["template"]["spec"]) == ""


@settings(deadline=None, max_examples=10)
@given(plans())
def test_the_same_plan_always_makes_the_same_objects(drawn: tuple[Identity, InstancePlan]) -> None:
    identity, plan = drawn
    assert objects(identity, plan) == objects(identity, replace(plan))
