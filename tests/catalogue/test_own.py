"""Berth's own catalogue: read, put together and planned."""

import os
import subprocess

import pytest

from catalogue import own
from catalogue.facts import ServiceInput
from catalogue.plan import plan
from catalogue.read import read_service, read_stack
from catalogue.release import EnvVar, InstancePlan
from catalogue.services import ServiceManifest
from catalogue.stacks import StackManifest
from catalogue.tokens import materialise
from tests.catalogue.made import FACTS


def catalogue() -> tuple[dict[str, ServiceManifest], dict[str, StackManifest]]:
    services: dict[str, ServiceManifest] = {}
    stacks: dict[str, StackManifest] = {}
    for document in own.documents():
        if document.kind == "service":
            service = read_service(document.text, document.file, lambda name, version: services.get(name))
            assert service.findings == ()
            assert service.value is not None
            services[service.value.name] = service.value
        else:
            stack = read_stack(document.text, document.file, lambda name, version: services.get(name))
            assert stack.findings == ()
            assert stack.value is not None
            stacks[stack.value.name] = stack.value
    return services, stacks


def planned(name: str) -> InstancePlan:
    services, stacks = catalogue()
    stack = stacks[name]
    inputs = []
    for item in stack.services:
        manifest = services[item.service_name]
        tokens = materialise(manifest, stack, item, FACTS.env_type, lambda choices: choices[0])
        values = {name: token.value for name, token in tokens.items()}
        inputs.append(ServiceInput(item.name, item.title, manifest, "sr1", main=item.main, tokens=values))
    return plan(FACTS, stack, inputs)


def test_the_shipped_services_come_before_the_shipped_stacks() -> None:
    services, stacks = catalogue()
    assert list(services) == ["log-writer", "postgres", "valkey", "web", "worker"]
    assert list(stacks) == ["shop", "site"]


@pytest.mark.parametrize("name", ["shop", "site"])
def test_a_shipped_stack_is_stored_as_data_and_read_back_equal(name: str) -> None:
    stack = catalogue()[1][name]
    assert StackManifest.of_data(stack.to_data()) == stack


def test_every_service_comes_after_those_it_waits_for() -> None:
    assert [service.name for service in planned("shop").services] == [
        "postgres",
        "valkey",
        "worker",
        "web",
        "log-writer",
    ]


def test_images_are_pinned_by_version() -> None:
    images = {
        service.name: container.image
        for service in planned("shop").services
        for workload in service.workloads
        for container in workload.containers
    }
    assert images == {
        "postgres": "postgres:17.2-alpine",
        "valkey": "valkey/valkey:8.0.1-alpine",
        "worker": "valkey/valkey:8.0.1-alpine",
        "web": "nginxinc/nginx-unprivileged:1.27.3-alpine",
        "log-writer": "busybox:1.37.0",
    }


def test_the_web_server_is_told_where_its_database_and_cache_are() -> None:
    web = next(service for service in planned("shop").services if service.name == "web")
    secret = "0" * 32
    assert web.workloads[0].replicas == 3
    assert web.workloads[0].containers[0].env == (
        EnvVar("BERTH", "true"),
        EnvVar("BERTH_APP_INSTANCE_NAME", "dev"),
        EnvVar("BERTH_APP_NAME", "shop"),
        EnvVar("BERTH_APP_SERVICE_NAME", "web"),
        EnvVar("BERTH_ENV_NAME", "daily"),
        EnvVar("BERTH_ENV_TYPE", "dev"),
        EnvVar("BERTH_HOSTS", "[]"),
        EnvVar("BERTH_PRIMARY_HOST", ""),
        EnvVar("BERTH_PRIMARY_URL", ""),
        EnvVar("CACHE_HOST", "valkey"),
        EnvVar("CACHE_PASSWORD", secret, secret=True),
        EnvVar("CACHE_PORT", "6379"),
        EnvVar("DATABASE_HOST", "postgres"),
        EnvVar("DATABASE_NAME", "shop_dev"),
        EnvVar("DATABASE_PASSWORD", secret, secret=True),
        EnvVar("DATABASE_PORT", "5432"),
        EnvVar("DATABASE_USER", "shop_dev"),
    )


def test_the_first_page_names_the_app_and_the_instance() -> None:
    web = next(service for service in planned("site").services if service.name == "web")
    (page,) = web.configs
    assert (page.filename, page.path) == ("index.html", "/usr/share/nginx/html/index.html")
    assert "<p>Instance dev in Daily, served by Web server.</p>" in page.content


def test_links_that_a_stack_leaves_open_give_no_variables() -> None:
    web = next(service for service in planned("site").services if service.name == "web")
    names = {variable.name for variable in web.workloads[0].containers[0].env}
    assert names == {name for name in names if name.startswith("BERTH")}


def test_volumes_have_the_stacks_sizes_and_claims_named_after_service_and_volume() -> None:
    claims = {volume.claim: volume.size for service in planned("shop").services for volume in service.volumes}
    assert claims == {"postgres-data": 2, "valkey-data": 1}


def test_the_commands_of_shipped_services_are_shell_that_parses() -> None:
    scripts = [
        container.args[0]
        for service in planned("shop").services
        for workload in service.workloads
        for container in workload.containers
        if container.command == ("sh", "-c") and container.args
    ]
    assert len(scripts) == 3
    for script in scripts:
        assert subprocess.run(["sh", "-n", "-c", script], check=False, capture_output=True).returncode == 0


def test_the_log_writer_counts_its_lines_and_ends_when_it_is_told() -> None:
    (container,) = planned("site").services[-1].workloads[0].containers
    assert container.args is not None
    env = {variable.name: variable.value for variable in container.env} | {"LOG_INTERVAL": "0", "PATH": os.defpath}
    process = subprocess.Popen(
        ["sh", "-c", *container.args], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    with process, process.stdout as output:
        lines = [output.readline() for _ in range(3)]
        process.terminate()
        last = output.read().splitlines()[-1]
    assert lines == [f"log-writer: line {number} of shop/dev\n".encode() for number in (1, 2, 3)]
    assert last.startswith(b"log-writer: stopping after ")
    assert process.returncode == 0
