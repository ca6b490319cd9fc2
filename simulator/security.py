"""Pod security at the levels `baseline` and `restricted`, where a namespace's label asks for one of them.

Rules: https://kubernetes.io/docs/concepts/security/pod-security-standards/, the checks that a manifest is likely to
fail, in the order and the words of the real server's answer.
"""

from collections.abc import Iterable, Iterator

from simulator.kinds import Object

LABEL = "pod-security.kubernetes.io/enforce"
_CAPABILITIES = {
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}  # fmt: skip
_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret",
}  # fmt: skip
_PROFILES = {"RuntimeDefault", "Localhost"}


def violations(namespace: Object, spec: Object) -> str:
    """Why the namespace does not take a pod of this specification; empty where it does."""
    level = (namespace["metadata"].get("labels") or {}).get(LABEL)
    if level not in {"baseline", "restricted"}:
        return ""
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    security = {one["name"]: one.get("securityContext") or {} for one in containers}
    rows = [*_capabilities(security)] if level == "baseline" else []
    rows += _host(spec, containers, level)
    strong = [name for name, context in security.items() if context.get("privileged")]
    if strong:
        rows.append(f"privileged ({_named('container', strong)} must not set securityContext.privileged=true)")
    rows += _profile(spec, security) if level == "baseline" else _restricted(spec, security)
    return f'violates PodSecurity "{level}:latest": {", ".join(rows)}' if rows else ""


def _host(spec: Object, containers: list[Object], level: str) -> Iterator[str]:
    """What a pod would share with its node."""
    shared = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    if shared:
        yield f"host namespaces ({', '.join(shared)})"
    paths = [volume["name"] for volume in spec.get("volumes") or [] if "hostPath" in volume]
    if paths and level == "baseline":
        yield f"hostPath volumes ({_named('volume', paths)})"
    opened = {
        one["name"]: [str(port["hostPort"]) for port in one.get("ports") or [] if port.get("hostPort")]
        for one in containers
    }
    ports = [port for found in opened.values() for port in found]
    if ports:
        use = "uses" if len([1 for found in opened.values() if found]) == 1 else "use"
        word = "hostPort" if len(ports) == 1 else "hostPorts"
        yield f"hostPort ({_named('container', [n for n, f in opened.items() if f])} {use} {word} {', '.join(ports)})"


def _capabilities(security: dict[str, Object]) -> Iterator[str]:
    found = {name: _added(context) - _CAPABILITIES for name, context in security.items()}
    names = [name for name, added in found.items() if added]
    if names:
        yield (
            f"non-default capabilities ({_named('container', names)} must not include {_quoted(found.values())} in "
            "securityContext.capabilities.add)"
        )


def _profile(spec: Object, security: dict[str, Object]) -> Iterator[str]:
    """System calls: no level allows the profile `Unconfined`."""
    loose = [name for name, context in security.items() if _type(context) == "Unconfined"]
    who = _who(_type(spec.get("securityContext") or {}) == "Unconfined", loose)
    if who:
        yield f'seccompProfile ({who} must not set securityContext.seccompProfile.type to "Unconfined")'


def _restricted(spec: Object, security: dict[str, Object]) -> Iterator[str]:
    """What `restricted` asks for besides."""
    pod = spec.get("securityContext") or {}
    found = [name for name, context in security.items() if context.get("allowPrivilegeEscalation") is not False]
    if found:
        yield (
            "allowPrivilegeEscalation != false "
            f"({_named('container', found)} must set securityContext.allowPrivilegeEscalation=false)"
        )
    yield from _dropped(security)
    kinds = {
        volume["name"]: kind
        for volume in spec.get("volumes") or []
        for kind in [name for name in volume if name != "name"][:1]
        if kind not in _VOLUMES
    }
    if kinds:
        use, word = ("uses", "type") if len(kinds) == 1 else ("use", "types")
        shown = ", ".join(f'"{kind}"' for kind in sorted(set(kinds.values())))
        yield f"restricted volume types ({_named('volume', list(kinds))} {use} restricted volume {word} {shown})"
    yield from _root(pod, security)
    unset = [name for name, context in security.items() if _type(context) is None]
    told = [*_profile(spec, security)]
    if told or _type(pod) in _PROFILES or not unset:
        yield from told
    else:
        yield (
            f"seccompProfile (pod or {_named('container', unset)} must set securityContext.seccompProfile.type to "
            '"RuntimeDefault" or "Localhost")'
        )


def _dropped(security: dict[str, Object]) -> Iterator[str]:
    keeping = [
        name
        for name, context in security.items()
        if "ALL" not in ((context.get("capabilities") or {}).get("drop") or [])
    ]
    added = {name: _added(context) - {"NET_BIND_SERVICE"} for name, context in security.items()}
    adding = [name for name, found in added.items() if found]
    parts = []
    if keeping:
        parts.append(f'{_named("container", keeping)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        parts.append(
            f"{_named('container', adding)} must not include {_quoted(added.values())} in "
            "securityContext.capabilities.add"
        )
    if parts:
        yield f"unrestricted capabilities ({'; '.join(parts)})"


def _root(pod: Object, security: dict[str, Object]) -> Iterator[str]:
    denied = [name for name, context in security.items() if context.get("runAsNonRoot") is False]
    unset = [name for name, context in security.items() if context.get("runAsNonRoot") is None]
    if denied:
        yield f"runAsNonRoot != true ({_named('container', denied)} must not set securityContext.runAsNonRoot=false)"
    elif unset and not pod.get("runAsNonRoot"):
        yield (f"runAsNonRoot != true (pod or {_named('container', unset)} must set securityContext.runAsNonRoot=true)")
    who = _who(pod.get("runAsUser") == 0, [name for name, context in security.items() if context.get("runAsUser") == 0])
    if who:
        yield f"runAsUser=0 ({who} must not set runAsUser=0)"


def _added(context: Object) -> set[str]:
    return set((context.get("capabilities") or {}).get("add") or [])


def _type(context: Object) -> str | None:
    found: str | None = (context.get("seccompProfile") or {}).get("type")
    return found


def _who(pod: bool, containers: list[str]) -> str:
    """The pod, its containers, or both, as a sentence begins."""
    return " and ".join([*(["pod"] if pod else []), *([_named("container", containers)] if containers else [])])


def _quoted(found: Iterable[set[str]]) -> str:
    return ", ".join(f'"{one}"' for one in sorted(set().union(*found)))


def _named(word: str, names: list[str]) -> str:
    return f"{word}{'s' if len(names) > 1 else ''} " + ", ".join(f'"{name}"' for name in names)
