"""What keeps a service within its namespace, and what it may say about who it runs as and where its data lies."""

import pytest

from catalogue.facts import PlanError
from catalogue.findings import Code
from tests.catalogue.made import WEB, places, planned, service, stack, valid, web

CONTAINER = "    {}: {}\n"
STACK = "name: s\ntitle: S\nservices:\n- name: web\n  title: W\n  service: web\n"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (WEB + CONTAINER.format("privileged", "true"), (10, "workloads[0].containers[0].privileged")),
        (WEB + CONTAINER.format("securityContext", "{}"), (10, "workloads[0].containers[0].securityContext")),
        (WEB + CONTAINER.format("capabilities", "[SYS_ADMIN]"), (10, "workloads[0].containers[0].capabilities")),
        (WEB + "  hostNetwork: true\n", (10, "workloads[0].hostNetwork")),
        (WEB + "  hostPID: true\n", (10, "workloads[0].hostPID")),
        (web("volumes: [{name: a, title: A, hostPath: /etc}]"), (10, "volumes[0].hostPath")),
        (
            web("endpoints:\n- name: http\n  ports:\n  - {name: http, number: 80, protocol: http, hostPort: 80}"),
            (13, "endpoints[0].ports[0].hostPort"),
        ),
        (
            web("annotations:\n- name: container.apparmor.security.beta.kubernetes.io/nginx\n  value: unconfined"),
            (11, "annotations[0].name"),
        ),
    ],
)
def test_what_would_lead_out_of_the_namespace_is_one_finding_with_a_remedy(text: str, place: tuple[int, str]) -> None:
    (finding,) = service(text.lstrip()).findings
    assert (finding.line, finding.path, finding.code) == (*place, Code.NOT_ISOLATED)
    assert finding.remedy.startswith("Remove it")


def test_a_stack_cannot_ask_for_more_than_its_services() -> None:
    services = {"web": valid(web())}
    read = stack(f"{STACK}  workloads: [{{name: main, containers: [{{name: nginx, privileged: true}}]}}]\n", services)
    assert places(read) == [(7, "services[0].workloads[0].containers[0].privileged", Code.NOT_ISOLATED)]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("runAsUser: 101", None),
        ("runAsUser: 101\n    runAsGroup: 0", None),
        ("runAsUser: 0", Code.INVALID_VALUE),
        ("runAsUser: -1", Code.INVALID_VALUE),
        ("runAsUser: 2147483648", Code.INVALID_VALUE),
        ("runAsUser: nobody", Code.WRONG_TYPE),
        ("runAsGroup: 101", Code.CONFLICTING_FIELDS),
    ],
)
def test_a_container_names_its_user_by_a_number_that_is_not_roots(more: str, code: Code | None) -> None:
    found = [found for _, _, found in places(service(f"{WEB}    {more}\n"))]
    assert found == ([] if code is None else [code])


def test_a_service_is_rootless_when_each_of_its_containers_names_its_user() -> None:
    one = f"{WEB.lstrip()}    runAsUser: 101\n    runAsGroup: 102\n"
    workload = planned(STACK, {"web": one})["web"].workloads[0]
    assert (workload.rootless, workload.containers[0].user, workload.containers[0].group) == (True, 101, 102)
    two = f"{one}  - name: side\n    image: side:1\n"
    assert not planned(STACK, {"web": two})["web"].workloads[0].rootless


def test_the_class_of_a_volume_is_the_stacks_before_the_services() -> None:
    text = web("volumes: [{name: data, title: Data, size: 1, path: '/data', storageClassName: slow}]")
    assert planned(STACK, {"web": text})["web"].volumes[0].storage_class == "slow"
    chosen = f"{STACK}  volumes: [{{name: data, size: 2, storageClassName: fast.ssd}}]\n"
    assert planned(chosen, {"web": text})["web"].volumes[0].storage_class == "fast.ssd"
    plain = text.replace(", storageClassName: slow", "")
    assert planned(STACK, {"web": plain})["web"].volumes[0].storage_class is None


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("example.com/team", None),
        ("team", None),
        ("cluster-autoscaler.kubernetes.io/safe-to-evict", None),
        ("two words", Code.INVALID_NAME),
        ("/team", Code.INVALID_NAME),
        ("Example.com/team", Code.INVALID_NAME),
        ("example.com/" + "x" * 64, Code.INVALID_NAME),
        ("berth.dev/template", Code.RESERVED_NAME),
    ],
)
def test_an_annotation_is_named_as_kubernetes_wants_it(name: str, code: Code | None) -> None:
    found = [found for _, _, found in places(service(web(f"annotations: [{{name: '{name}', value: a}}]")))]
    assert found == ([] if code is None else [code])


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ("volumes:\n- {name: a, title: A, path: /d}\n- {name: b, title: B, path: /d/}", "volumes[1]"),
        (
            "configs:\n- {name: a, filepath: /f, configContent: a}\n- {name: b, filepath: /f, configContent: b}",
            "configs[1]",
        ),
        (
            "volumes: [{name: a, title: A, path: /f}]\nconfigs: [{name: a, filepath: /f, configContent: a}]",
            "configs[0]",
        ),
    ],
)
def test_two_things_at_one_path_are_told(more: str, place: str) -> None:
    assert [(path, code) for _, path, code in places(service(web(more)))] == [(place, Code.CONFLICTING_FIELDS)]


def test_files_of_different_versions_may_stand_at_one_path() -> None:
    options = "options: [{version: '1'}, {version: '2'}]\nconfigs:\n"
    file = "- {{name: a, filepath: /f, configContent: a, version: '{}'}}\n"
    assert places(service(web(options + file.format(1) + file.format(2)))) == []


@pytest.mark.parametrize("name", [".", "..", "..data", "a/b", ""])
def test_a_file_is_not_named_like_a_folder(name: str) -> None:
    found = places(service(web(f"configs: [{{name: a, filename: '{name}', configContent: a}}]")))
    assert [code for _, _, code in found] == [Code.INVALID_VALUE]


def test_a_file_whose_name_is_no_key_is_kept_under_its_items_name() -> None:
    text = web("configs:\n- {name: page, filepath: '/srv/my page.html', configContent: a}\n"
               "- {name: plain, filepath: /srv/index.html, configContent: a}")  # fmt: skip
    found = planned(STACK, {"web": text})["web"].configs
    assert [(file.filename, file.path) for file in found] == [
        ("page", "/srv/my page.html"),
        ("index.html", "/srv/index.html"),
    ]


def test_more_text_than_kubernetes_keeps_in_one_object_is_told() -> None:
    many = "\n".join(f"- {{name: V{at}, value: '{{{{long}}}}'}}" for at in range(3))
    text = web(f"env:\n{many}\ntokens: [{{name: long, value: '{'x' * 400_000}'}}]\n"
               "annotations: [{name: long, value: '{{long}}'}]")  # fmt: skip
    with pytest.raises(PlanError) as raised:
        planned(STACK, {"web": text})
    assert [finding.message.partition(" hold")[0] for finding in raised.value.findings] == [
        "The annotations",
        "The variables of main/nginx",
    ]
