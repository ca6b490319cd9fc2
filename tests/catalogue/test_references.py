"""Findings in services whose fields are each right, and that do not fit together."""

# ruff: noqa: E501 - a table, one case a line

import pytest

from catalogue.findings import Code
from tests.catalogue.made import WEB, places, service, valid, web

CONFLICT, BROKEN = Code.CONFLICTING_FIELDS, Code.BROKEN_REFERENCE
BUILD = WEB.replace("image: nginx:1.27", "image: nginx:1.27\n    build: true").lstrip()
LINK = "links:\n- name: db\n  title: Database\n  selectors:\n  - type: db\n"

CASES: list[tuple[str, str, tuple[str, Code]]] = [
    ("two defaults", "options:\n- {version: '1', default: true}\n- {version: '2', default: true}", ("options[1].default", CONFLICT)),
    ("an end that is no day", "options:\n- {version: '1', eol: '2028-02-30'}", ("options[0].eol", Code.INVALID_VALUE)),
    ("a variable of Berth's", "env:\n- {name: BERTH_X, value: ''}", ("env[0].name", Code.RESERVED_NAME)),
    ("a variable for nothing", "env:\n- {name: A, value: '', runtime: false}", ("env[0]", CONFLICT)),
    ("a variable for builds", "env:\n- {name: A, value: '', build: true}", ("env[0].build", CONFLICT)),
    ("a link's variable", LINK + "  env:\n  - {name: BERTH, value: ''}", ("links[0].env[0].name", Code.RESERVED_NAME)),
    ("a setting's variable", "settings:\n- {name: a, title: A, var: BERTH_A}", ("settings[0].var", Code.RESERVED_NAME)),
    ("no room to roll", "deployment: {maxSurge: 0, maxUnavailable: 0%}", ("deployment.maxSurge", CONFLICT)),
    ("an endpoint of nothing", "endpoints:\n- name: a\n  workload: b\n  ports: [{name: a, number: 1, protocol: tcp}]", ("endpoints[0].workload", BROKEN)),
    ("two main endpoints", "endpoints:\n- &a {name: a, main: true, ports: [{name: a, number: 1, protocol: tcp}]}\n- {name: b, main: true, ports: [{name: a, number: 1, protocol: tcp}]}", ("endpoints[1].main", CONFLICT)),
    ("two main ports", "endpoints:\n- name: a\n  ports: [{name: a, number: 1, protocol: tcp, main: true}, {name: b, number: 2, protocol: tcp, main: true}]", ("endpoints[0].ports[1].main", CONFLICT)),
    ("one port twice", "endpoints:\n- name: a\n  ports: [{name: a, number: 1, protocol: tcp}, {name: b, number: 1, protocol: http}]", ("endpoints[0].ports[1].number", Code.DUPLICATE_NAME)),
    ("a volume of no link", "volumes:\n- {name: a, title: A, link: files}", ("volumes[0].link", BROKEN)),
    ("a volume from no link", "volumes:\n- {name: a, title: A, from: files}", ("volumes[0].from", BROKEN)),
    ("a setting from no link", "settings:\n- {name: a, title: A, var: A, from: backend}", ("settings[0].from", BROKEN)),
    ("a file without content", "configs:\n- {name: a, filename: a}", ("configs[0]", CONFLICT)),
    ("a file with two contents", "configs:\n- {name: a, filename: a, configContent: a, default: {source: image, filepath: /a}}", ("configs[0]", CONFLICT)),
    ("a file without a place", "configs:\n- {name: a, configContent: a}", ("configs[0]", CONFLICT)),
    ("a file beside the manifest", "configs:\n- {name: a, config: a.conf, filepath: /a}", ("configs[0].config", Code.NOT_RUNNABLE)),
    ("a file of no version", "configs:\n- {name: a, configContent: a, filepath: /a, version: '9'}", ("configs[0].version", BROKEN)),
    ("a file of no container", "configs:\n- {name: a, filepath: /a, default: {source: image, filepath: /a, container: b}}", ("configs[0].default.container", BROKEN)),
    ("an action of no workload", "actions:\n- {name: a, title: A, args: [a], type: button, workload: b}", ("actions[0].workload", BROKEN)),
    ("an action after none", "actions:\n- {name: a, title: A, args: [a], type: button, depends: [b]}", ("actions[0].depends[0]", BROKEN)),
    ("an action of no boilerplate", "actions:\n- {name: a, title: A, args: [a], type: button, boilerplate: b}", ("actions[0].boilerplate", BROKEN)),
    ("actions in a circle", "actions:\n- {name: a, title: A, args: [a], type: button, depends: [b]}\n- {name: b, title: B, args: [b], type: button, depends: [a]}", ("actions", Code.CYCLE)),
    ("a schedule of no workload", "cron:\n- {name: a, title: A, command: a, schedule: 0 0 * * *, workload: b}", ("cron[0].workload", BROKEN)),
    ("an upload of nothing", "backups:\n- {name: a, title: A, upload: {}}", ("backups[0].upload", CONFLICT)),
    ("an upload without extension", "backups:\n- {name: a, title: A, upload: {filepath: /a}}", ("backups[0].upload", CONFLICT)),
    ("an import of no volume", "imports:\n- {name: a, title: A, volume: b, extensions: [gz], destination: /a}", ("imports[0].volume", BROKEN)),
    ("an import to nowhere", "volumes:\n- {name: b, title: B}\nimports:\n- {name: a, title: A, volume: b, extensions: [gz]}", ("imports[0]", CONFLICT)),
    ("a database of no db", "database: {type: a, kind: mysql, db: {name: a}, user: {name: a, password: a}}", ("database", CONFLICT)),
    ("a token without value", "tokens:\n- {name: a}", ("tokens[0]", CONFLICT)),
    ("a token with two values", "tokens:\n- {name: a, value: a, generate: {regex: a}}", ("tokens[0]", CONFLICT)),
    ("a token without end", "tokens:\n- {name: a, generate: {regex: 'a+'}}", ("tokens[0].generate.regex", Code.INVALID_PATTERN)),
    ("a derivative's name", "derivatives:\n- {name: ssh, title: S, type: ssh, args: [a]}", ("derivatives[0].name", Code.INVALID_NAME)),
    ("a version of no parent", "fromVersion: 1.0.0", ("", CONFLICT)),
    ("a chart without selectors", "helm: {name: a, chart: a, version: '1'}", ("workloads[0].selector", Code.MISSING_FIELD)),
    ("a build of nothing", "build: {connect: true}", ("build", CONFLICT)),
]  # fmt: skip


@pytest.mark.parametrize(("more", "place"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_does_not_fit_together_is_one_finding(more: str, place: tuple[str, Code]) -> None:
    assert [found[1:] for found in places(service(web(more)))] == [place]


def test_only_services_of_type_service_are_scalable() -> None:
    text = web("scalable: true").replace("type: service", "type: storage")
    assert places(service(text)) == [(10, "scalable", CONFLICT)]


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ("build: {dockerfile: a, dockerfileContent: b}", ("build", CONFLICT)),
        ("build: {boilerplates: [{name: a, title: A, repo: 'https://github.com/a/b', branch: a, tag: b}]}", ("build.boilerplates[0]", CONFLICT)),
        ("build: {templates: [{name: a, title: A, repo: 'https://github.com/a/b', optionVersionConstraint: new}]}", ("build.templates[0].optionVersionConstraint", Code.INVALID_VALUE)),
        ("build: {link: db}", ("build.link", BROKEN)),
    ],
)  # fmt: skip
def test_builds_name_what_there_is(more: str, place: tuple[str, Code]) -> None:
    assert [found[1:] for found in places(service(BUILD + more))] == [place]


def test_only_services_of_type_service_are_built() -> None:
    text = BUILD.replace("type: service", "type: storage") + "build: {connect: true}\n"
    assert [found[1:] for found in places(service(text))] == [("build", CONFLICT)]


def test_a_container_asks_for_no_more_than_it_may_use() -> None:
    text = WEB + "    resources: {request: {cpu: 200, memory: 32}, limit: {cpu: 100, memory: 16}}\n"
    paths = [path for _, path, _ in places(service(text))]
    inside = "workloads[0].containers[0].resources.request"
    assert paths == [f"{inside}.cpu", f"{inside}.memory"]


def test_a_service_that_runs_nothing_is_refused() -> None:
    assert places(service("name: a\ntitle: A\ntype: service\n")) == [(1, "workloads", Code.MISSING_FIELD)]


def test_a_container_without_a_chart_needs_an_image() -> None:
    text = WEB.replace("    image: nginx:1.27\n", "")
    assert places(service(text)) == [(8, "workloads[0].containers[0].image", Code.MISSING_FIELD)]


def test_a_service_of_type_db_describes_its_database() -> None:
    text = "name: a\ntitle: A\ntype: db\nexternal: true\n"
    assert places(service(text)) == [(1, "database", Code.MISSING_FIELD)]
    more = "database: {type: mysql, kind: mysql, db: {name: a}, user: {name: a, password: a}}\n"
    assert valid(text + more).external


def test_an_external_service_declares_nothing_that_runs() -> None:
    text = WEB + "external: true\nenv:\n- {name: A, value: a}\n"
    assert [found[1:] for found in places(service(text))] == [("workloads", CONFLICT), ("env", CONFLICT)]


def test_two_primary_workloads_are_refused() -> None:
    one = "- {{name: {}, kind: deployment, primary: true, containers: [{{name: a, image: 'a:1'}}]}}\n"
    text = "name: a\ntitle: A\ntype: service\nworkloads:\n" + one.format("a") + one.format("b")
    assert places(service(text)) == [(6, "workloads[1].primary", CONFLICT)]
