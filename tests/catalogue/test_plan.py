"""From manifests and a set-up to what an instance runs."""

from typing import Any

import pytest

from catalogue.facts import PlanError
from catalogue.release import ConfigFile, Endpoint, Mount, Port, Resources, ServicePlan, Strategy, Volume
from tests.catalogue.made import planned, web

ONE = "name: s\ntitle: S\nservices:\n- name: web\n  title: The web\n  service: web\n"


def one(more: str = "", own: str = "", top: str = "", **change: Any) -> ServicePlan:
    return planned(f"{ONE}{own}\n{top}\n", {"web": web(more)}, web=change)["web"]


def failure(stack: str, services: dict[str, str], **changes: Any) -> list[str]:
    with pytest.raises(PlanError) as raised:
        planned(stack, services, **changes)
    assert str(raised.value) == "; ".join(finding.message for finding in raised.value.findings)
    return [finding.message for finding in raised.value.findings]


def test_a_service_carries_its_names_and_revision() -> None:
    plan = one()
    assert (plan.name, plan.title, plan.type, plan.version, plan.revision) == (
        "web",
        "The web",
        "service",
        None,
        "srv_web",
    )
    assert (plan.helm, plan.external, plan.after) == (False, False, ())


OPTIONS = "options: [{version: '2', tag: 2.5.1, default: true}, {version: '1', tag: 1.9.9}, {version: '0.9'}]"


@pytest.mark.parametrize(
    ("own", "change", "image"),
    [
        ("", {}, "nginx:2.5.1"),
        ("  options: [{version: '1'}, {version: '2'}]", {}, "nginx:1.9.9"),
        ("  options: [{version: '1'}, {version: '2', default: true}]", {}, "nginx:2.5.1"),
        ("", {"version": "1"}, "nginx:1.9.9"),
        ("", {"version": "0.9"}, "nginx:0.9"),
    ],
)
def test_the_chosen_version_gives_the_images_tag(own: str, change: dict[str, Any], image: str) -> None:
    text = web(OPTIONS).replace("image: nginx:1.27", "image: nginx")
    (container,) = planned(ONE + own, {"web": text}, web=change)["web"].workloads[0].containers
    assert container.image == image


def test_an_image_with_a_tag_of_its_own_keeps_it() -> None:
    assert one(OPTIONS).workloads[0].containers[0].image == "nginx:1.27"


def test_a_version_that_is_not_offered_is_told() -> None:
    assert failure(ONE, {"web": web(OPTIONS)}, web={"version": "3"}) == ["web is not offered in version 3."]
    own = "  options: [{version: '1'}]"
    assert failure(ONE + own, {"web": web(OPTIONS)}, web={"version": "2"}) == ["web is not offered in version 2."]


def test_an_image_without_any_version_is_told() -> None:
    text = web().replace("image: nginx:1.27", "image: registry:5000/nginx")
    assert failure(ONE, {"web": text}) == ["The image 'registry:5000/nginx' of web has no version."]


def test_replicas_are_the_primary_workloads() -> None:
    more = "- {name: side, kind: statefulset, containers: [{name: a, image: 'a:1'}]}\nscalable: true"
    workloads = one(more, "  replicas: 3").workloads
    assert [(item.name, item.object_name, item.kind, item.primary, item.replicas) for item in workloads] == [
        ("main", "web", "deployment", True, 3),
        ("side", "web-side", "statefulset", False, 1),
    ]
    assert one(more, "  replicas: 3", replicas=0).workloads[0].replicas == 0


def test_resources_are_the_services_with_the_stacks_over_them() -> None:
    inside = "    resources: {request: {cpu: 100, memory: 32}, limit: {memory: 64}}\n"
    own = (
        "  workloads: [{name: main, containers: [{name: nginx, resources: {request: {cpu: 200}, limit: {cpu: 400}}}]}]"
    )
    (container,) = planned(ONE + own, {"web": web() + inside})["web"].workloads[0].containers
    assert container.resources == Resources(request_cpu=200, request_memory=32, limit_cpu=400, limit_memory=64)


def test_how_pods_are_replaced_is_said_from_the_service_down_to_the_stacks_workload() -> None:
    more = "deployment: {strategy: recreate, minReady: 10s, maxSurge: 1, shutdownGracePeriod: 1m}"
    own = "  deployment: {minReady: 20s, maxSurge: 25%}\n  workloads: [{name: main, deployment: {maxUnavailable: 0}}]"
    assert one(more, own).workloads[0].strategy == Strategy(
        kind="recreate", max_unavailable="0", max_surge="25%", min_ready=20, grace_period=60
    )
    assert one().workloads[0].strategy == Strategy()


def test_the_main_endpoint_has_the_services_name_and_others_their_own_behind_it() -> None:
    more = """
        endpoints:
        - {name: admin, ports: [{name: admin, number: 81, protocol: tcp, private: true}]}
        - {name: http, main: true, workload: main, ports: [{name: http, number: 80, protocol: http}]}
        """
    assert one(more).endpoints == (
        Endpoint("admin", "web-admin", "main", False, (Port("admin", 81, "tcp", private=True),)),
        Endpoint("http", "web", "main", True, (Port("http", 80, "http"),)),
    )


def test_volumes_have_the_stacks_size_and_are_mounted_into_the_primary_workload() -> None:
    more = """
        volumes:
        - {name: data, title: Data, size: 2, path: /data}
        - {name: cache, title: Cache, size: 1, path: /cache, optional: true, readOnly: true}
        - {name: spare, title: Spare, size: 1, path: /spare, optional: true}
        - {name: raw, title: Raw, size: 1}
        """
    plan = one(more, "  volumes: [{name: data, size: 9}, {name: cache, size: 3}]")
    assert plan.volumes == (
        Volume("data", "web-data", 9),
        Volume("cache", "web-cache", 3),
        Volume("raw", "web-raw", 1),
    )
    assert plan.workloads[0].containers[0].mounts == (Mount("data", "/data"), Mount("cache", "/cache", read_only=True))


def test_a_volume_without_a_size_is_told() -> None:
    text = web("volumes: [{name: data, title: Data, path: /data}]")
    assert failure(ONE, {"web": text}) == ["The volume 'data' of web has no size."]


def test_a_volume_may_be_borrowed_through_a_link() -> None:
    front = web("""
        links: [{name: backend, title: B, selectors: [{type: service}]}]
        volumes: [{name: files, title: F, path: /mnt, from: backend, readOnly: true}]
        """).replace("name: web", "name: front", 1)
    stack = ONE + "- {name: front, title: F, service: front, links: [{name: backend, service: web}]}\n"
    services = {"web": web("volumes: [{name: files, title: F, path: /mnt, size: 4, shared: true}]"), "front": front}
    assert planned(stack, services)["front"].volumes == (Volume("files", "web-files", 4, borrowed=True),)
    told = ["The volume 'files' of front comes from a link that leads to nothing."]
    assert failure(stack, services, web={"enabled": False}) == told


def test_files_are_given_as_written_unless_their_names_are_to_be_replaced() -> None:
    more = """
        options: [{version: '2'}, {version: '1'}]
        configs:
        - {name: plain, filepath: /etc/plain.conf, configContent: '{{app.name}}'}
        - {name: filled, filename: filled.conf, configContent: '{{app.name}}', processTokens: true}
        - {name: old, filepath: /etc/old.conf, configContent: a, version: '1'}
        - {name: there, filepath: /etc/there, default: {source: image, filepath: /etc/there}}
        - {name: 'off', filepath: /etc/off, configContent: a}
        - {name: mine, filepath: /etc/mine, configContent: a}
        """
    own = "  configs: [{name: 'off', disabled: true}, {name: mine, configContent: b}]"
    assert one(more, own).configs == (
        ConfigFile("plain", "plain.conf", "{{app.name}}", "/etc/plain.conf"),
        ConfigFile("filled", "filled.conf", "shop", None),
        ConfigFile("mine", "mine", "b", "/etc/mine"),
    )


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ("configs: [{name: a, filepath: /a, configContent: '{{t}}', processTokens: true}]", "The file 'a'"),
        ("annotations: [{name: a, value: '{{t}}'}]", "An annotation"),
    ],
)
def test_a_secret_in_the_open_is_refused(more: str, what: str) -> None:
    text = web("tokens: [{name: t, generate: {regex: 'x{4}'}}]\n" + more)
    assert failure(ONE, {"web": text}) == [f"{what} of web would show a secret: give it as a variable."]


def test_commands_and_arguments_have_their_names_replaced() -> None:
    inside = "    command: [sh, -c]\n    args: ['echo {{app.name}}']\n"
    (container,) = planned(ONE, {"web": web() + inside})["web"].workloads[0].containers
    assert (container.command, container.args) == (("sh", "-c"), ("echo shop",))
    assert (one().workloads[0].containers[0].command, one().workloads[0].containers[0].args) == (None, None)


def test_annotations_are_the_services_the_stacks_and_the_stack_services() -> None:
    more = "annotations: [{name: a, value: '1'}, {name: b, value: '1'}, {name: b, value: '2', envType: dev}]"
    top = "annotations: [{name: c, value: '{{app.name}}'}, {name: a, value: '3', envType: prod}]"
    assert one(more, "  annotations: [{name: a, value: '4'}]", top).annotations == (
        ("a", "4"),
        ("b", "2"),
        ("c", "shop"),
    )


LINKED = """
links:
- {name: must, title: M, required: true, selectors: [{type: service}]}
- {name: may, title: M, selectors: [{type: service}], env: [{name: MAY, value: '{{link.service.name}}'}]}
"""
STACK = """
name: s
title: S
services:
- name: web
  title: W
  service: web
  links: [{name: must, service: b}, {name: may, service: c}]
  depends: [d, b]
- {name: b, title: B, service: plain, depends: [d]}
- {name: c, title: C, service: plain}
- {name: d, title: D, service: plain}
"""
SERVICES = {"web": web(LINKED), "plain": web().replace("name: web", "name: plain", 1)}


def test_services_come_after_what_they_link_to_and_depend_on() -> None:
    plan = planned(STACK, SERVICES)
    assert list(plan) == ["d", "b", "c", "web"]
    assert plan["web"].after == ("b", "c", "d")


def test_what_is_disabled_is_left_out_and_waited_for_by_none() -> None:
    plan = planned(STACK, SERVICES, c={"enabled": False}, d={"enabled": False})
    assert list(plan) == ["b", "web"]
    assert plan["web"].after == ("b",)
    assert "MAY" not in {variable.name for variable in plan["web"].workloads[0].containers[0].env}


def test_a_required_link_to_a_disabled_service_is_told() -> None:
    told = ["web needs its link 'must', which leads to nothing enabled."]
    assert failure(STACK, SERVICES, b={"enabled": False}) == told


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            "settings: [{name: root, title: R, var: ROOT, required: true}]",
            "web needs a value for its setting 'root', which has no default.",
        ),
        (
            "integrations: [{name: mail, title: M, type: smtp, required: true}]",
            "web needs its integration 'mail', and Berth has none yet.",
        ),
    ],
)
def test_what_is_required_and_not_given_is_told(more: str, message: str) -> None:
    assert failure(ONE, {"web": web(more)}) == [message]


def test_an_app_service_that_the_stack_does_not_have_is_told() -> None:
    assert failure(ONE, {"web": web()}, other={}) == ["The stack has no service 'other'."]


def test_a_service_with_a_chart_has_no_workloads_of_berths() -> None:
    text = web("helm: {name: a, chart: a, version: '1'}\nenv: [{name: A, value: '{{keys.x.y}}'}]\nkeys: [{name: x}]")
    text = text.replace("  containers", "  selector: {matchLabels: {a: b}}\n  containers")
    plan = planned(ONE, {"web": text})["web"]
    assert (plan.helm, plan.workloads, plan.endpoints, plan.volumes, plan.configs) == (True, (), (), (), ())


def test_an_external_service_runs_nothing() -> None:
    plan = planned(ONE, {"web": "name: web\ntitle: Web\ntype: search\nexternal: true\n"})["web"]
    assert (plan.external, plan.workloads) == (True, ())


def test_every_service_that_cannot_run_is_told_at_once() -> None:
    broken = web("volumes: [{name: data, title: D, path: /d}]")
    stack = ONE + "- {name: b, title: B, service: web}\n"
    assert failure(stack, {"web": broken}) == [
        "The volume 'data' of web has no size.",
        "The volume 'data' of b has no size.",
    ]
