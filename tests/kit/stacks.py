"""Manifests for an installation to import, as files: (name, text)."""

import json


def service(name: str, container: str, **simulated: object) -> tuple[str, str]:
    """A service of one container, given as YAML. simulated: what the simulator is told of its pods (rate, line ...)."""
    text = (
        f"name: {name}\ntitle: {name.title()}\ntype: service\nscalable: true\n"
        "options: [{version: '1', tag: '1', default: true}]\ndeployment: {strategy: rolling, shutdownGracePeriod: 1s}\n"
        f"workloads: [{{name: main, kind: deployment, primary: true, containers: [{container}]}}]\n"
    )
    if simulated:
        told = [{"name": f"simulator/{each}", "value": str(value)} for each, value in simulated.items()]
        text += f"annotations: {json.dumps(told)}\n"
    return f"services/{name}/service.yml", text


def stack(name: str, *services: str) -> tuple[str, str]:
    """A stack of services, each under its own name."""
    entries = [f"- {{name: {one}, title: {one.title()}, service: {one}, required: true}}" for one in services]
    return f"stacks/{name}/stack.yml", "\n".join([f"name: {name}", f"title: {name.title()}", "services:", *entries, ""])
