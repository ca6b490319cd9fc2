"""`{{names}}` in services and stacks: which are known where, and that every other one is a finding."""

import pytest

from catalogue.findings import Code, Finding
from tests.catalogue.made import places, service, stack, valid, web

ALL = """
tokens: [{name: secret, value: x}]
volumes: [{name: data, title: Data, size: 1}]
configs: [{name: main, filename: a, configContent: 'left {{as it is}}'}]
settings: [{name: root, title: Root, var: ROOT}]
keys: [{name: jwt}]
integrations: [{name: vars, title: Vars, type: variable, providers: [{name: a, env: [{name: B, value: '%s'}]}]}]
links: [{name: db, title: DB, selectors: [{type: db}], env: [{name: C, value: '%s'}]}]
env: [{name: A, value: '%s'}]
"""


def env(name: str) -> list[tuple[str, Code]]:
    text = ALL % ("", "", f"{{{{{name}}}}}")
    return [found[1:] for found in places(service(web(text)))]


@pytest.mark.parametrize(
    "name",
    [
        *("app.id", "app.name", "app.title", "instance.namespace", "kubernetes.externalID", "kubernetes.fullName"),
        *("env.type", "org.id", "service.host", "service.fqdnPrefix", "service.mainPort.number", "service.secrets.env"),
        *("helm.release", "stack.rev.number", "secret", "volumes.data.claim", "volumes.data.storageClassName"),
        *("configs.main.configMap", "settings.root", "keys.jwt.public", "integrations.vars.key"),
        *("integrations.vars.variables.ANY", "links.db.host", "links.db.tokens.any", "links.db.env.ANY"),
        *("links.db.database.user.password", "links.db.service.name", "wodby_app_name", " app.name "),
    ],
)
def test_built_in_names_and_the_services_own_are_known(name: str) -> None:
    assert env(name) == []


@pytest.mark.parametrize(
    "name",
    [
        *("app.color", "app", "", "env.variables", "password", "volumes.files.size", "volumes.data.path"),
        *("configs.main.content", "settings.sitedir", "keys.other.public", "keys.jwt", "integrations.other.key"),
        *("integrations.vars.other", "links.cache.host", "links.db.color", "link.host", "integration.key"),
        *("database.host", "import_pvc_uid", "wodby_eks_lb_controller_role_arn", "app.name | upper"),
    ],
)
def test_every_other_name_is_a_finding(name: str) -> None:
    assert env(name) == [("env[0].value", Code.UNKNOWN_TEMPLATE)]


@pytest.mark.parametrize("text", ["{{", "a {{app.name} b", "{{app{{.name", "{{ {a} }}"])
def test_braces_without_a_name_are_a_finding(text: str) -> None:
    found = places(service(web(f"env: [{{name: A, value: '{text}'}}]")))
    assert [place[1:] for place in found] == [("env[0].value", Code.UNKNOWN_TEMPLATE)]


@pytest.mark.parametrize("text", ["}}", "{a: {b: c}}", "{{app.name}}{{app.id}}", "{{{app.name}}}", "{ {app.name} }"])
def test_other_braces_are_text(text: str) -> None:
    assert places(service(web(f"env: [{{name: A, value: '{text}'}}]"))) == []


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one() -> None:
    assert service(web("env:\n- name: A\n  value: 'at {{instance.nmae}}'")).findings == (
        Finding(
            "service.yml",
            12,
            "env[0].value",
            Code.UNKNOWN_TEMPLATE,
            "The name in {{instance.nmae}} is unknown here.",
            "Did you mean {{instance.name}}?",
        ),
    )


@pytest.mark.parametrize("name", ["host", "port", "tokens.password", "database.user.name", "env.PORT", "service.title"])
def test_the_short_form_of_a_link_is_known_in_its_own_variables(name: str) -> None:
    assert places(service(web(ALL % ("", f"{{{{link.{name}}}}}", "")))) == []


def test_the_short_form_of_a_link_names_what_links_have() -> None:
    found = places(service(web(ALL % ("", "{{link.password}}", ""))))
    assert [place[1:] for place in found] == [("links[0].env[0].value", Code.UNKNOWN_TEMPLATE)]


def test_the_short_form_of_an_integration_is_known_in_its_providers() -> None:
    assert places(service(web(ALL % ("{{integration.variables.KEY}}", "", "")))) == []


def test_a_file_is_looked_at_only_when_it_is_processed() -> None:
    more = "configs: [{name: a, filename: a, configContent: '{{x}}', processTokens: true}]"
    assert [place[1:] for place in places(service(web(more)))] == [("configs[0].configContent", Code.UNKNOWN_TEMPLATE)]


DB = """
name: a
title: A
type: db
external: true
database:
  type: mysql
  kind: mysql
  db: {name: '{{%s}}'}
  user: {name: a, password: '{{password}}'}
tokens: [{name: password, generate: {regex: 'a{8}'}}]
"""


@pytest.mark.parametrize(("name", "known"), [("database.user.name", True), ("database.root.password", False)])
def test_the_names_of_a_database_are_those_that_it_has(name: str, known: bool) -> None:
    assert (places(service(DB % name)) == []) is known


def test_imports_know_the_claim_they_write_to() -> None:
    more = """
        volumes: [{name: a, title: A, size: 1}]
        imports: [{name: a, title: A, volume: a, extensions: [gz], destination: '/x/{{import_pvc_uid}}'}]
        """
    assert places(service(web(more))) == []


def test_clusters_services_know_what_the_platform_tells_them() -> None:
    text = web("env: [{name: A, value: '{{wodby_eks_lb_controller_role_arn}}'}]")
    assert places(service(text.replace("type: service", "type: infrastructure"))) == []


STACK = """
name: shop
title: Shop
services:
- name: web
  title: Web
  service: web
  tokens: [{name: mine, value: a}]
  env: [{name: A, value: '{{%s}}'}]
env: [{name: B, value: '{{%s}}'}]
tokens: [{name: ours, value: a}]
"""


@pytest.mark.parametrize("name", ["ours", "mine", "theirs", "service.host", "volumes.data.size"])
def test_a_stack_knows_its_own_tokens_and_those_of_the_service_it_writes_for(name: str) -> None:
    found = valid(web("tokens: [{name: theirs, value: a}]\nvolumes: [{name: data, title: Data, size: 1}]"))
    assert places(stack(STACK % (name, "app.name"), {"web": found})) == []


@pytest.mark.parametrize("name", ["other", "volumes.data.size", "link.host"])
def test_other_names_in_what_a_stack_writes_for_a_service_are_findings(name: str) -> None:
    assert places(stack(STACK % (name, "ours"), {"web": valid(web())})) == [
        (8, "services[0].env[0].value", Code.UNKNOWN_TEMPLATE)
    ]


@pytest.mark.parametrize("name", ["mine", "theirs"])
def test_what_a_stack_writes_for_all_knows_no_tokens_of_one_service(name: str) -> None:
    found = valid(web("tokens: [{name: theirs, value: a}]"))
    assert places(stack(STACK % ("mine", name), {"web": found})) == [(9, "env[0].value", Code.UNKNOWN_TEMPLATE)]
