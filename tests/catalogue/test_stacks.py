"""What a `stack.yml` may say of the services it puts together, and every finding where it says something else."""

# ruff: noqa: E501 - a table, one case a line

import pytest

from catalogue.findings import Code, Finding
from catalogue.read import read_stack
from catalogue.services import ServiceManifest
from catalogue.stacks import StackManifest
from tests.catalogue.made import places, stack, valid, valid_stack, web

BROKEN, CONFLICT = Code.BROKEN_REFERENCE, Code.CONFLICTING_FIELDS

HTTP = "endpoints: [{name: http, ports: [{name: http, number: 80, protocol: http}]}]\n"


def services() -> dict[str, ServiceManifest]:
    app = web(
        HTTP
        + """
scalable: true
options: [{version: '2', default: true}, {version: '1'}]
volumes: [{name: data, title: Data, size: 1}]
configs: [{name: main, filename: a, configContent: a}]
links:
- {name: db, title: DB, required: true, selectors: [{type: db, labels: [mysql]}, {type: db, option: '9'}], env: [{name: P, value: '{{link.database.user.password}}'}]}
- {name: cache, title: Cache, selectors: [{type: datastore}], env: [{name: C, value: '{{link.tokens.password}}'}]}
- {name: backend, title: Backend, selectors: [{type: service}], env: [{name: B, value: '{{link.host}}'}]}
derivatives: [{name: web-sshd, title: SSH, type: ssh, args: [sshd]}]
"""
    )
    db = "name: mysql\ntitle: MySQL\ntype: db\nexternal: true\nlabels: [mysql]\noptions: [{version: '8'}]\n"
    db += "database: {type: mysql, kind: mysql, db: {name: a}, user: {name: a, password: a}}\n"
    cache = web("tokens: [{name: password, generate: {regex: 'a{8}'}}]").replace("name: web", "name: valkey", 1)
    found = [
        valid(app),
        valid(db),
        valid(db.replace("labels: [mysql]\n", "").replace("'8'", "'9'").replace("name: mysql", "name: other", 1)),
        valid(cache.replace("type: service", "type: datastore")),
        valid(cache.replace("type: service", "type: datastore").replace("valkey", "plain", 1).split("tokens")[0]),
        valid(web().replace("name: web", "name: worker", 1)),
    ]
    return {manifest.name: manifest for manifest in found}


SHOP = """
name: shop
title: Shop
services:
- name: db
  title: DB
  service: mysql
- name: cache
  title: Cache
  service: valkey
- name: worker
  title: Worker
  service: worker
- name: app
  title: App
  service: web
  links: [{name: db, service: db}]
"""


def shop(more: str = "", old: str = "", new: str = "") -> str:
    """The stack above with some of it replaced, and more lines for its last service, of which the first is line 17."""
    text = SHOP.replace(old, new) if old else SHOP
    return text.lstrip("\n") + more


LINKS = "  links: [{name: db, service: db}]\n"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (shop("  color: red"), ("services[3].color", Code.UNKNOWN_FIELD)),
        (shop("  replicas: '2'"), ("services[3].replicas", Code.WRONG_TYPE)),
        (shop(old="name: app\n", new="name: 1app\n"), ("services[3].name", Code.INVALID_NAME)),
        (shop(old="name: app\n", new="name: worker\n"), ("services[3]", Code.DUPLICATE_NAME)),
        (shop(old="service: web\n", new="service: none\n"), ("services[3].service", Code.UNKNOWN_SERVICE)),
        (shop(old=LINKS), ("services[3].links", Code.LINK_MISSING)),
        (shop(old="service: db}", new="service: base}"), ("services[3].links[0].service", BROKEN)),
        (shop(old="service: db}", new="service: app}"), ("services[3].links[0].service", BROKEN)),
        (shop(old="service: db}", new="service: worker}"), ("services[3].links[0].service", Code.LINK_MISMATCH)),
        (shop(old="service: db}]", new="service: db}, {name: x, service: db}]"), ("services[3].links[1].name", BROKEN)),
        (shop(old="service: db}]", new="service: db}, {name: backend, service: worker}]"), ("services[3].links[1].service", Code.LINK_MISMATCH)),
        (shop(old="service: mysql\n", new="service: mysql\n  disabled: true\n"), ("services[3].links[0].service", Code.LINK_MISSING)),
        (shop("  depends: [none]"), ("services[3].depends[0]", BROKEN)),
        (shop("  depends: [app]"), ("services[3].depends[0]", BROKEN)),
        (shop("  required: true\n  disabled: true"), ("services[3].disabled", CONFLICT)),
        (shop("  main: true\n  disabled: true"), ("services[3].main", CONFLICT)),
        (shop(old="service: worker\n", new="service: worker\n  main: true\n"), ("services[2].main", CONFLICT)),
        (shop(old="service: mysql\n", new="service: mysql\n  main: true\n"), ("services[0].main", CONFLICT)),
        (shop(old="service: worker\n", new="service: worker\n  replicas: 2\n"), ("services[2].replicas", CONFLICT)),
        (shop("  options: [{version: '3'}]"), ("services[3].options[0].version", BROKEN)),
        (shop("  options: [{version: '1', default: true}, {version: '2', default: true}]"), ("services[3].options[1].default", CONFLICT)),
        (shop("  volumes: [{name: files, size: 1}]"), ("services[3].volumes[0].name", BROKEN)),
        (shop("  configs: [{name: files}]"), ("services[3].configs[0].name", BROKEN)),
        (shop("  configs: [{name: main, config: a.conf}]"), ("services[3].configs[0].config", Code.NOT_RUNNABLE)),
        (shop("  configs: [{name: main, config: a, configContent: a}]"), ("services[3].configs[0]", CONFLICT)),
        (shop("  containers: [{name: httpd}]"), ("services[3].containers[0].name", BROKEN)),
        (shop("  workloads: [{name: side}]"), ("services[3].workloads[0].name", BROKEN)),
        (shop("  workloads: [{name: main, containers: [{name: httpd}]}]"), ("services[3].workloads[0].containers[0].name", BROKEN)),
        (shop("  cron: [{name: a, title: A, command: a, schedule: 0 0 * * *, workload: b}]"), ("services[3].cron[0].workload", BROKEN)),
        (shop("  derivatives: [{name: ssh, service: web-ssh}]"), ("services[3].derivatives[0].service", BROKEN)),
        (shop("  derivatives: [{name: db, service: web-sshd}]"), ("services[3].derivatives[0].name", Code.DUPLICATE_NAME)),
        (shop("  derivatives: [{name: ssh, service: web-sshd, env: [{name: BERTH, value: a}]}]"), ("services[3].derivatives[0].env[0].name", Code.RESERVED_NAME)),
        (shop("  derivatives: [{name: ssh, service: web-sshd, workloads: [{name: side}]}]"), ("services[3].derivatives[0].workloads[0].name", BROKEN)),
        (shop("  env: [{name: BERTH_X, value: a}]"), ("services[3].env[0].name", Code.RESERVED_NAME)),
        (shop("  tokens: [{name: a}]"), ("services[3].tokens[0]", CONFLICT)),
        (shop("  containers: [{name: nginx, resources: {request: {cpu: 110}}}]"), ("services[3].containers[0].resources.request.cpu", Code.INVALID_VALUE)),
        (shop("env: [{name: BERTH, value: a}]\n"), ("env[0].name", Code.RESERVED_NAME)),
        (shop("env: [{name: A, value: a, build: true}]\n"), ("env[0].build", CONFLICT)),
        (shop("tokens: [{name: a, generate: {regex: 'a*'}}]\n"), ("tokens[0].generate.regex", Code.INVALID_PATTERN)),
        ("name: shop\ntitle: Shop\nservices: []\n", ("services", Code.INVALID_VALUE)),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_stack_is_one_finding(text: str, place: tuple[str, Code]) -> None:
    assert [found[1:] for found in places(stack(text, services()))] == [place]


def test_a_link_says_what_it_needs_and_what_it_was_given() -> None:
    text = shop(old="service: db}", new="service: cache}")
    assert stack(text, services()).findings == (
        Finding(
            "stack.yml",
            16,
            "services[3].links[0].service",
            Code.LINK_MISMATCH,
            "The link 'db' needs type db labelled mysql or type db in version 9; 'cache' is type datastore.",
            "Link it to one that matches.",
        ),
    )


def test_a_selector_may_name_a_version_that_the_target_offers() -> None:
    valid_stack(shop(old="service: mysql\n", new="service: other\n"), services())


def test_a_link_whose_target_lacks_what_is_read_through_it_is_a_finding() -> None:
    text = shop(old="service: db}]", new="service: db}, {name: cache, service: cache}]")
    valid_stack(text, services())
    (finding,) = stack(text.replace("service: valkey", "service: plain"), services()).findings
    assert finding.code == Code.LINK_MISMATCH
    assert finding.message == "The link 'cache' reads 'tokens.password' of its target, which 'cache' does not have."


def test_a_stacks_token_counts_for_every_service() -> None:
    text = shop(old="service: db}]", new="service: db}, {name: cache, service: cache}]")
    more = "tokens: [{name: password, value: a}]\n"
    valid_stack(text.replace("service: valkey", "service: plain") + more, services())


def test_a_required_link_of_a_disabled_service_may_lead_to_a_disabled_one() -> None:
    text = shop("  disabled: true", "service: mysql\n", "service: mysql\n  disabled: true\n")
    valid_stack(text, services())


def test_links_and_dependencies_together_make_no_circle() -> None:
    text = shop(old="service: mysql\n", new="service: mysql\n  depends: [worker]\n")
    valid_stack(text, services())
    text = text.replace("service: worker\n", "service: worker\n  depends: [app]\n  disabled: true\n")
    (finding,) = stack(text, services()).findings
    assert (finding.line, finding.path, finding.code) == (4, "services[0]", Code.CYCLE)
    assert finding.message == "The services wait for each other: db -> worker -> app -> db."


def test_two_main_services_are_refused() -> None:
    text = shop("  main: true", "service: worker\n", "service: worker\n  main: true\n")
    assert places(stack(text, services() | {"worker": services()["web"]}))[-1] == (18, "services[3].main", CONFLICT)


def test_the_first_enabled_service_that_can_be_reached_is_the_main_one() -> None:
    found = valid_stack(shop(), services())
    assert [service.main for service in found.services] == [False, False, False, True]
    disabled = valid_stack(shop("  disabled: true"), services())
    assert [service.main for service in disabled.services] == [False] * 4


def test_a_service_may_be_pinned_to_a_version() -> None:
    asked: list[tuple[str, str | None]] = []

    def lookup(name: str, version: str | None) -> ServiceManifest | None:
        asked.append((name, version))
        return services()[name] if version in (None, "1.0") else None

    text = "name: a\ntitle: A\nservices:\n- name: a\n  title: A\n  service: worker:{}\n"
    found = read_stack(text.format("1.0"), "stack.yml", lookup).value
    assert found is not None
    assert (found.services[0].service_name, found.services[0].pinned_version) == ("worker", "1.0")
    assert set(asked) == {("worker", "1.0")}
    (finding,) = read_stack(text.format("2.0"), "stack.yml", lookup).findings
    assert (finding.line, finding.code) == (6, Code.UNKNOWN_SERVICE)
    assert finding.message == "The service 'worker' is not there in version 2.0."


def test_nothing_is_said_of_what_hangs_on_an_unknown_service() -> None:
    text = shop("  options: [{version: '77'}]", "service: web\n", "service: none\n")
    assert [found[1:] for found in places(stack(text, services()))] == [("services[3].service", Code.UNKNOWN_SERVICE)]


def test_a_stack_is_stored_as_data_and_read_back_equal() -> None:
    found = valid_stack(shop("  derivatives: [{name: ssh, service: web-sshd}]\n  replicas: 3"), services())
    assert StackManifest.of_data(found.to_data()) == found
    assert found.service("app") == found.services[3]
    assert found.service("none") is None
