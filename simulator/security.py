"""Pod security at the level `baseline`, where a namespace's label asks for it (also under `restricted`).

Rules: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline, the checks that a manifest is
likely to fail; `restricted` asks for more, which is not held here.
"""

from simulator.kinds import Object

LABEL = "pod-security.kubernetes.io/enforce"
_CAPABILITIES = {
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}  # fmt: skip


def violations(namespace: Object, spec: Object) -> str:
    """Why the namespace does not take a pod of this specification; empty where it does."""
    level = (namespace["metadata"].get("labels") or {}).get(LABEL)
    if level not in {"baseline", "restricted"}:
        return ""
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    security = {one["name"]: one.get("securityContext") or {} for one in containers}
    rows = []
    shared = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    if shared:
        rows.append(f"host namespaces ({', '.join(shared)})")
    for one in containers:
        ports = [str(port["hostPort"]) for port in one.get("ports") or [] if port.get("hostPort")]
        if ports and not spec.get("hostNetwork"):
            word = "hostPort" if len(ports) == 1 else "hostPorts"
            rows.append(f'hostPort (container "{one["name"]}" uses {word} {", ".join(ports)})')
    paths = [volume["name"] for volume in spec.get("volumes") or [] if "hostPath" in volume]
    if paths:
        rows.append(f"hostPath volumes ({_named('volume', paths)})")
    strong = [name for name, context in security.items() if context.get("privileged")]
    if strong:
        rows.append(f"privileged ({_named('container', strong)} must not set securityContext.privileged=true)")
    for name, context in security.items():
        added = sorted(set((context.get("capabilities") or {}).get("add") or []) - _CAPABILITIES)
        if added:
            shown = ", ".join(f'"{one}"' for one in added)
            rows.append(f'non-default capabilities (container "{name}" must not include {shown} in '
                        "securityContext.capabilities.add)")  # fmt: skip
    return f'violates PodSecurity "{level}:latest": {", ".join(rows)}' if rows else ""


def _named(word: str, names: list[str]) -> str:
    return f"{word}{'s' if len(names) > 1 else ''} " + ", ".join(f'"{name}"' for name in names)
