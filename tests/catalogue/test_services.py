"""What a `service.yml` may say, and every finding where it says something else."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.findings import Code, Finding
from catalogue.items import seconds
from catalogue.services import ServiceManifest
from tests.catalogue.made import WEB, places, service, valid, web

FIELDS: list[tuple[str, tuple[int, str, Code]]] = [
    ("color: red", (10, "color", Code.UNKNOWN_FIELD)),
    ("links:\n- name: db\n  title: DB\n  selectors: [{}]\n  x: 1", (14, "links[0].x", Code.UNKNOWN_FIELD)),
    ("endpoints:\n- name: http\n  ports: []", (12, "endpoints[0].ports", Code.INVALID_VALUE)),
    ("scalable: 'yes'", (10, "scalable", Code.WRONG_TYPE)),
    ("labels: nginx", (10, "labels", Code.WRONG_TYPE)),
    ("labels: [1]", (10, "labels[0]", Code.WRONG_TYPE)),
    ("icon: 7", (10, "icon", Code.WRONG_TYPE)),
    ("helm: chart", (10, "helm", Code.WRONG_TYPE)),
    ("options:\n- version: 8.4", (11, "options[0].version", Code.WRONG_TYPE)),
    ("env:\n- name: PORT\n  value: 80", (12, "env[0].value", Code.WRONG_TYPE)),
    ("env:\n- name: 8PORT\n  value: '80'", (11, "env[0].name", Code.INVALID_NAME)),
    ("env:\n- name: PORT\n  value: '80'\n  envType: qa", (13, "env[0].envType", Code.INVALID_VALUE)),
    ("deployment:\n  minReady: soon", (11, "deployment.minReady", Code.INVALID_VALUE)),
    ("deployment:\n  maxSurge: 120%", (11, "deployment.maxSurge", Code.INVALID_VALUE)),
    ("deployment:\n  maxSurge: [1]", (11, "deployment.maxSurge", Code.WRONG_TYPE)),
    ("actions: [{name: a, title: A, args: [a], type: '', command: 7}]", (10, "actions[0].command", Code.WRONG_TYPE)),
    ("deployment:\n  strategy: blue", (11, "deployment.strategy", Code.INVALID_VALUE)),
    ("volumes:\n- name: data\n  title: Data\n  size: 0", (13, "volumes[0].size", Code.INVALID_VALUE)),
    ("volumes:\n- name: Data\n  title: Data", (11, "volumes[0].name", Code.INVALID_NAME)),
    ("volumes:\n- name: data\n  title: Data\n  path: data", (13, "volumes[0].path", Code.INVALID_VALUE)),
    ("certs:\n- name: tls\n  days: 7", (12, "certs[0].days", Code.INVALID_VALUE)),
    ("keys:\n- name: jwt\n  length: 1024", (12, "keys[0].length", Code.INVALID_VALUE)),
    ("cron:\n- name: a\n  title: A\n  command: x\n  schedule: daily", (14, "cron[0].schedule", Code.INVALID_VALUE)),
    ("cron:\n- name: a\n  title: A\n  schedule: 0 0 * * *", (11, "cron[0].command", Code.MISSING_FIELD)),
]


@pytest.mark.parametrize(("more", "place"), FIELDS)
def test_a_field_that_is_wrong_is_found_where_it_stands(more: str, place: tuple[int, str, Code]) -> None:
    assert places(service(web(more))) == [place]


PORTS = "endpoints:\n- name: http\n  ports:\n  - name: {}\n    number: {}\n    protocol: http"


@pytest.mark.parametrize(
    ("name", "number", "code"),
    [
        ("http", "80", None),
        ("a-1", "65535", None),
        ("http", "0", Code.INVALID_VALUE),
        ("http", "65536", Code.INVALID_VALUE),
        ("'80'", "80", Code.INVALID_VALUE),
        ("a--b", "80", Code.INVALID_NAME),
        ("-a", "80", Code.INVALID_NAME),
        ("a234567890123456", "80", Code.INVALID_VALUE),
    ],
)
def test_ports_have_a_number_and_a_short_name_with_a_letter(name: str, number: str, code: Code | None) -> None:
    found = [found for _, _, found in places(service(web(PORTS.format(name, number))))]
    assert found == ([] if code is None else [code])


@pytest.mark.parametrize(
    ("cpu", "memory", "code"),
    [("100", "16", None), ("150", "16", Code.INVALID_VALUE), ("100", "20", Code.INVALID_VALUE)],
)
def test_cpu_comes_in_hundreds_of_millicores_and_memory_in_sixteens_of_mib(
    cpu: str, memory: str, code: Code | None
) -> None:
    text = f"    resources:\n      request:\n        cpu: {cpu}\n        memory: {memory}\n"
    found = [found for _, _, found in places(service(WEB + text))]
    assert found == ([] if code is None else [code])


def test_an_unknown_field_is_answered_with_the_one_that_was_meant() -> None:
    assert service(web("lables: [nginx]")).findings == (
        Finding(
            "service.yml",
            10,
            "lables",
            Code.UNKNOWN_FIELD,
            "The field 'lables' is unknown here.",
            "Did you mean 'labels'?",
        ),
    )


def test_an_unknown_field_like_no_other_is_answered_with_those_there_are() -> None:
    (finding,) = service(
        web("endpoints:\n- name: http\n  ports:\n  - {name: a, number: 1, protocol: tcp, zz: 1}")
    ).findings
    assert finding.remedy == "Remove it, or use one of: main, name, number, private, protocol."


@pytest.mark.parametrize(
    ("more", "remedy"),
    [
        ("endpoints: [{name: a, ports: []}]", "It must have at least 1 item."),
        ("endpoints: [{name: a, ports: [{name: a, number: 0, protocol: tcp}]}]", "It must be at least 1."),
        ("endpoints: [{name: a, ports: [{name: '1', number: 1, protocol: tcp}]}]", "It must hold at least one letter."),
        ("volumes: [{name: a, title: ''}]", "It must not be empty."),
        ("volumes: [{name: a, title: A, path: a}]", "It must match ^/[^\\x00]*$."),
        ("deployment: {minReady: a}", "It must be a duration such as 30s, 15m or 1h30m."),
        ("deployment: {strategy: a}", "Use 'rolling', 'recreate' or 'onDelete'."),
        ("env: [{name: A, value: 1}]", "Put it in quotes."),
        ("env: [{name: A}]", "Add 'value'."),
    ],
)
def test_a_remedy_says_what_would_be_right(more: str, remedy: str) -> None:
    assert [finding.remedy for finding in service(web(more)).findings] == [remedy]


def test_a_hundred_findings_are_told_and_that_there_are_more() -> None:
    found = places(service(web("".join(f"k{number}: 1\n" for number in range(200)))))
    assert found[:100] == [(10 + number, f"k{number}", Code.UNKNOWN_FIELD) for number in range(100)]
    assert found[100:] == [(109, "", Code.MORE_FINDINGS)]


def test_every_fault_is_told_at_once_in_the_order_of_the_lines() -> None:
    assert places(service("name: web\nlabels: 1\ntype: shop\nicon: 2\n")) == [
        (1, "title", Code.MISSING_FIELD),
        (2, "labels", Code.WRONG_TYPE),
        (3, "type", Code.INVALID_VALUE),
        (4, "icon", Code.WRONG_TYPE),
    ]


@pytest.mark.parametrize("text", ["", "# nothing\n", "- web\n", "web\n", "7\n"])
def test_a_document_that_is_no_mapping_is_no_manifest(text: str) -> None:
    assert [code for _, _, code in places(service(text))] == [Code.NOT_A_MANIFEST]


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ("labels: []\nenv:\n- {name: A, value: ''}\n- {name: A, value: b}", (13, "env[1]", Code.DUPLICATE_NAME)),
        ("options:\n- {version: '1'}\n- {version: '1', tag: '2'}", (12, "options[1]", Code.DUPLICATE_NAME)),
        ("tokens:\n- {name: a, value: ''}\n- {name: a, value: b}", (12, "tokens[1]", Code.DUPLICATE_NAME)),
    ],
)
def test_two_items_of_one_name_are_refused(more: str, place: tuple[int, str, Code]) -> None:
    assert places(service(web(more))) == [place]


def test_a_variable_may_stand_once_for_each_type_of_environment() -> None:
    text = "env:\n- {name: A, value: ''}\n- {name: A, value: b, envType: prod}\n- {name: A, value: c, envType: dev}"
    assert len(valid(web(text)).env) == 3


def test_a_manifest_is_stored_as_data_and_read_back_equal() -> None:
    text = web("""
        scalable: true
        helm:
          name: chart
          chart: oci://registry/chart
          version: 1.0.0
          values:
          - name: a
            value: {b: [1, true, null], c.d/e: {}}
        """).replace("  containers", "  selector: {matchLabels: {app: web}}\n  containers")
    manifest = valid(text)
    data = manifest.to_data()
    assert data["helm"]["values"] == [{"name": "a", "value": {"b": [1, True, None], "c.d/e": {}}}]
    assert ServiceManifest.of_data(data) == manifest
    assert ServiceManifest.of_data(data).to_data() == data


def test_a_manifest_cannot_be_changed() -> None:
    manifest = valid(web("labels: [a]"))
    with pytest.raises(ValueError, match="frozen"):
        manifest.title = "Other"  # type: ignore[misc]
    assert isinstance(manifest.labels, tuple)


@pytest.mark.parametrize(
    ("text", "whole"), [("30s", 30), ("1h30m", 5400), ("1500ms", 2), ("0s", 0), ("1.5m", 90), ("1m0.1s", 61)]
)
def test_durations_are_go_s_rounded_up_to_whole_seconds(text: str, whole: int) -> None:
    assert seconds(text) == whole


@pytest.mark.parametrize("text", ["", "30", "s", "-1s", "1 s", "1d", "1s!"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        seconds(text)


_NAMES = ["name", "title", "type", "from", "options", "version", "env", "value", "links", "workloads", "helm", "ports"]
_DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["web", "service", "{{x}}", "{{", "1.0", "db"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=5),
    max_leaves=15,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(ServiceManifest.model_fields)), _DATA, max_size=6))
def test_no_document_gives_anything_but_a_manifest_or_findings(data: dict[str, object]) -> None:
    text = yaml.safe_dump(data | {"from": data.get("from_", "web")})
    read = service(text, web=valid(WEB))
    assert (read.value is None) == bool(read.findings)
