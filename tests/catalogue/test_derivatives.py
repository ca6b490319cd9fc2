"""Derivatives: other services from the same image, under names of their own."""

from typing import Any

import pytest

from catalogue.facts import PlanError
from catalogue.release import Endpoint, EnvVar, Mount, Port, Resources, Strategy, Volume
from tests.catalogue.made import planned, valid, web

ONE = "name: s\ntitle: S\nservices:\n- name: web\n  title: The web\n  service: web\n"

DERIVED = """
options: [{version: '1', tag: 1.0.1}]
env: [{name: A, value: service}]
volumes: [{name: data, title: D, size: 1, path: /data}]
derivatives:
- name: web-sshd
  title: SSH
  type: ssh
  args: [sshd, -D]
  env: [{name: A, value: derivative}, {name: PORT, value: '22'}]
  endpoints: [{name: ssh, ports: [{name: ssh, number: 22, protocol: tcp}]}]
  resources: {limit: {memory: 32}}
- {name: web-queue, title: Queue, type: service, args: [queue]}
"""
RUN = "  derivatives: [{name: shell, service: web-sshd, env: [{name: B, value: '{{service.name}}'}]}]"


def test_a_derivative_runs_the_same_image_under_a_name_of_its_own() -> None:
    text = web(DERIVED).replace("image: nginx:1.27", "image: nginx")
    plan = planned(ONE + RUN, {"web": text})
    assert list(plan) == ["web", "shell"]
    shell = plan["shell"]
    (workload,) = shell.workloads
    (container,) = workload.containers
    assert (shell.title, shell.type, shell.after, workload.object_name) == ("SSH", "ssh", ("web",), "shell")
    assert (container.image, container.args) == ("nginx:1.0.1", ("sshd", "-D"))
    assert container.resources == Resources(limit_memory=32)
    given = {variable.name: variable.value for variable in container.env if not variable.name.startswith("BERTH")}
    assert given == {"A": "derivative", "PORT": "22", "B": "shell"}
    assert shell.endpoints == (Endpoint("ssh", "shell", "main", True, (Port("ssh", 22, "tcp"),)),)
    assert shell.volumes == (Volume("data", "web-data", 1, borrowed=True),)
    assert container.mounts == (Mount("data", "/data"),)


def test_what_the_stack_says_of_a_derivative_counts_before_what_it_says_of_its_parent() -> None:
    own = """
  deployment: {minReady: 5s, maxSurge: 1}
  env: [{name: A, value: parent in the stack}, {name: C, value: parent in the stack}]
  derivatives:
  - name: shell
    service: web-sshd
    env: [{name: A, value: derivative in the stack}]
    deployment: {minReady: 9s}
    workloads:
    - name: main
      containers: [{name: nginx, env: [{name: D, value: inside}], resources: {limit: {memory: 64}}}]
"""
    shell = planned(ONE + own, {"web": web(DERIVED)})["shell"].workloads[0]
    given = {found.name: found.value for found in shell.containers[0].env}
    assert (given["A"], given["C"], given["D"]) == ("derivative in the stack", "parent in the stack", "inside")
    assert shell.containers[0].resources == Resources(limit_memory=64)
    assert shell.strategy == Strategy(min_ready=9, max_surge="1")


def test_a_derivative_is_the_first_container_again() -> None:
    text = web("  - {name: side, image: 'side:1'}\n" + DERIVED)
    plan = planned(ONE + RUN, {"web": text})
    assert [container.name for container in plan["web"].workloads[0].containers] == ["nginx", "side"]
    assert [container.name for container in plan["shell"].workloads[0].containers] == ["nginx"]


def test_a_derivative_is_switched_and_overridden_by_its_own_app_service() -> None:
    changed: dict[str, Any] = {"variables": (EnvVar("B", "mine"),), "replicas": 2, "title": "Mine"}
    shell = planned(ONE + RUN, {"web": web(DERIVED)}, shell=changed)["shell"]
    assert (shell.title, shell.workloads[0].replicas) == ("Mine", 2)
    assert EnvVar("B", "mine") in shell.workloads[0].containers[0].env
    assert list(planned(ONE + RUN, {"web": web(DERIVED)}, shell={"enabled": False})) == ["web"]
    assert list(
        planned(ONE + RUN.replace("service: web-sshd", "service: web-sshd, disabled: true"), {"web": web(DERIVED)})
    ) == ["web"]


def test_a_derivative_that_the_service_has_no_more_is_told() -> None:
    with pytest.raises(PlanError) as raised:
        planned(ONE + RUN, {"web": web(DERIVED)}, web={"manifest": valid(web())})
    assert str(raised.value) == "The service has no derivative 'web-sshd'."
