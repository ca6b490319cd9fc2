"""The environment of a container: which of several values of a variable it gets, and which are secret."""

# ruff: noqa: E501 - a table, one case a line

from dataclasses import replace
from typing import Any

import pytest

from catalogue.facts import InstanceFacts, PlanError
from catalogue.release import EnvVar, ServicePlan
from tests.catalogue.made import FACTS, planned, valid, web

LEVELS = [
    ("service", "env: [{name: A, value: service}]", "", ""),
    ("setting", "settings: [{name: a, title: A, var: A, default: setting}]", "", ""),
    ("link", "", "", ""),
    ("stack", "", "env: [{name: A, value: stack}]", ""),
    ("stack service", "", "", "  env: [{name: A, value: stack service}]"),
    ("container", "", "", ""),
    ("stack's older way", "", "", "  containers: [{name: nginx, env: [{name: A, value: stack's older way}]}]"),
    ("stack's container", "", "", "  workloads: [{name: main, containers: [{name: nginx, env: [{name: A, value: stack's container}]}]}]"),
    ("app service", "", "", ""),
]  # fmt: skip
LINK = "links: [{name: back, title: B, selectors: [{type: service}], env: [{name: A, value: link}]}]"


def of(name: str, plan: dict[str, ServicePlan], variable: str) -> EnvVar:
    (container,) = plan[name].workloads[0].containers
    return next(found for found in container.env if found.name == variable)


def value(
    more: str = "", top: str = "", own: str = "", inside: str = "", facts: InstanceFacts = FACTS, **change: Any
) -> EnvVar:
    text = web().rstrip("\n") + f"\n{inside}\n{more}\n"
    stack = f"name: s\ntitle: S\nservices:\n- name: web\n  title: Web\n  service: web\n{own}\n"
    if "links:" in more:
        stack += "  links: [{name: back, service: other}]\n- {name: other, title: O, service: other}\n"
    other = web().replace("name: web", "name: other", 1)
    return of("web", planned(f"{stack}{top}\n", {"web": text, "other": other}, facts, web=change), "A")


@pytest.mark.parametrize("strongest", range(len(LEVELS)), ids=[level[0] for level in LEVELS])
def test_the_strongest_source_of_a_variable_counts(strongest: int) -> None:
    levels = LEVELS[: strongest + 1]
    names = [level[0] for level in levels]
    more = "\n".join([level[1] for level in levels if level[1]] + ([LINK] if "link" in names else []))
    inside = "    env: [{name: A, value: container}]" if "container" in names else ""
    own = "\n".join(level[3] for level in levels if level[3])
    top = "\n".join(level[2] for level in levels if level[2])
    change: dict[str, Any] = {"variables": (EnvVar("A", "app service"),)} if "app service" in names else {}
    assert value(more, top, own, inside, **change).value == names[-1]


def test_within_a_source_the_one_for_this_type_of_environment_counts() -> None:
    env = "env:\n- {name: A, value: ours, envType: dev}\n- {name: A, value: all}\n- {name: A, value: theirs, envType: prod}"
    assert value(env).value == "ours"
    assert value(env, facts=replace(FACTS, env_type="prod")).value == "theirs"
    assert value(env, facts=replace(FACTS, env_type="test")).value == "all"


def test_variables_for_builds_alone_are_not_given() -> None:
    build = "build: {connect: true}\nenv: [{name: A, value: x, build: true, runtime: false}, {name: A, value: y, envType: dev}]"
    assert value(build, inside="    build: true").value == "y"


def test_a_secret_stays_one_and_what_is_made_from_one_becomes_one() -> None:
    made = "tokens: [{name: t, generate: {regex: 'x{4}'}}]\n"
    assert value("env: [{name: A, value: a, secret: true}]") == EnvVar("A", "a", secret=True)
    assert value(made + "env: [{name: A, value: 'by {{t}}'}]") == EnvVar("A", "by xxxx", secret=True)
    assert value("tokens: [{name: t, value: v}]\nenv: [{name: A, value: '{{t}}'}]") == EnvVar("A", "v")
    assert value("env: [{name: A, value: a}]", variables=(EnvVar("A", "b", secret=True),)) == EnvVar(
        "A", "b", secret=True
    )


def test_nothing_overrides_what_the_system_says() -> None:
    plan = planned(
        "name: s\ntitle: S\nservices: [{name: web, title: W, service: web}]",
        {"web": web("endpoints: [{name: a, ports: [{name: a, number: 80, protocol: http}]}]")},
        replace(FACTS, hosts=("shop.example.org", "www.example.org")),
        web={"variables": (EnvVar("BERTH_APP_NAME", "other"),)},
    )
    assert [(found.name, found.value) for found in plan["web"].workloads[0].containers[0].env] == [
        ("BERTH", "true"),
        ("BERTH_APP_INSTANCE_NAME", "dev"),
        ("BERTH_APP_NAME", "shop"),
        ("BERTH_APP_SERVICE_NAME", "web"),
        ("BERTH_ENV_NAME", "daily"),
        ("BERTH_ENV_TYPE", "dev"),
        ("BERTH_HOSTS", '["shop.example.org", "www.example.org"]'),
        ("BERTH_PRIMARY_HOST", "shop.example.org"),
        ("BERTH_PRIMARY_URL", "https://shop.example.org"),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("app.title", "The shop"),
        ("instance.namespace", "shop-dev"),
        ("kubernetes.fullName", "local"),
        ("env.id", "env_1"),
        ("org.id", "org_1"),
        ("stack.name", "s"),
        ("stack.rev.number", "3"),
        ("service.host", "web"),
        ("service.replicas", "1"),
        ("service.fqdnPrefix", "web.dev.shop"),
        ("helm.release", "web"),
        ("wodby_app_service_name", "web"),
        ("volumes.data.size", "7"),
        ("volumes.data.claim", "web-data"),
        ("settings.root", "public"),
        ("links.back.host", "other"),
        ("links.back.service.title", "Other"),
        ("links.back.env.B", "shop"),
        ("links.back.env.INSIDE", "container in dev"),
    ],
)
def test_a_name_is_replaced_by_its_value(name: str, text: str) -> None:
    service = web(f"""
        volumes: [{{name: data, title: D, size: 7}}]
        settings: [{{name: root, title: R, var: ROOT, default: public}}]
        links: [{{name: back, title: B, selectors: [{{type: service}}]}}]
        env: [{{name: A, value: '<{{{{ {name} }}}}>'}}]
        """)
    stack = (
        "name: s\ntitle: S\nservices:\n- {name: web, title: W, service: web, links: [{name: back, service: other}]}\n"
    )
    stack += "- {name: other, title: Other, service: other}\n"
    more = "endpoints: [{name: a, ports: [{name: a, number: 80, protocol: http}]}]\n"
    inside = "    env: [{name: INSIDE, value: container in dev, envType: dev}, {name: INSIDE, value: container}]\n"
    more = inside + more + "env: [{name: B, value: '{{app.name}}'}, {name: INSIDE, value: service}]"
    other = web(more).replace("name: web", "name: other", 1)
    assert of("web", planned(stack, {"web": service, "other": other}), "A").value == f"<{text}>"


DB = """
name: db
title: DB
type: db
endpoints: [{name: a, ports: [{name: a, number: 5432, protocol: tcp}]}]
workloads: [{name: main, kind: statefulset, containers: [{name: db, image: 'db:1'}]}]
tokens: [{name: password, generate: {regex: 'p{4}'}}]
database:
  type: postgres
  kind: postgres
  root: {username: admin, password: '{{password}}'}
  db: {name: '{{app.name}}_{{instance.name}}', charset: UTF8}
  user: {name: '{{database.db.name}}', password: fixed}
"""


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("host", EnvVar("A", "store")),
        ("port", EnvVar("A", "5432")),
        ("driver", EnvVar("A", "pgsql")),
        ("db.name", EnvVar("A", "shop_dev")),
        ("db.charset", EnvVar("A", "UTF8")),
        ("user.name", EnvVar("A", "shop_dev")),
        ("user.password", EnvVar("A", "fixed", secret=True)),
        ("root.username", EnvVar("A", "admin")),
        ("root.password", EnvVar("A", "pppp", secret=True)),
    ],
)
def test_a_link_to_a_database_gives_its_place_and_passwords(name: str, found: EnvVar) -> None:
    env = f"env: [{{name: A, value: '{{{{link.database.{name}}}}}'}}]"
    service = web(f"links: [{{name: db, title: D, selectors: [{{type: db}}], {env}}}]")
    stack = "name: s\ntitle: S\nservices:\n- {name: web, title: W, service: web, links: [{name: db, service: store}]}\n"
    assert (
        of("web", planned(stack + "- {name: store, title: S, service: db}\n", {"web": service, "db": DB}), "A") == found
    )


def failure(text: str, more: str = "", **changes: Any) -> str:
    with pytest.raises(PlanError) as raised:
        planned("name: s\ntitle: S\nservices: [{name: web, title: W, service: web}]\n" + more, {"web": text}, **changes)
    (finding,) = raised.value.findings
    assert (finding.file, finding.path, finding.code) == ("s", "web", "NOT_RUNNABLE")
    return finding.message


def test_a_token_that_was_never_generated_is_told() -> None:
    text = web("tokens: [{name: t, generate: {regex: 'x{4}'}}]\nenv: [{name: A, value: '{{t}}'}]")
    assert failure(text, web={"tokens": {}}) == "The token 't' of web was never generated."


def test_a_token_made_from_itself_is_told() -> None:
    text = web("tokens: [{name: t, value: '{{u}}'}, {name: u, value: 'a {{t}}'}]\nenv: [{name: A, value: '{{t}}'}]")
    assert failure(text) == "{{t}} is made from itself."


def test_tokens_that_unfold_without_end_are_told_at_once() -> None:
    tokens = ["{name: t0, value: xxxxxxxx}"]
    tokens += [f"{{name: t{n}, value: '{{{{t{n - 1}}}}}{{{{t{n - 1}}}}}'}}" for n in range(1, 60)]
    text = web(f"tokens: [{', '.join(tokens)}]\nenv: [{{name: A, value: '{{{{t59}}}}'}}]")
    assert failure(text) == "A text of web unfolds into more than 1000000 characters."
    empty = text.replace("xxxxxxxx", "''")
    assert (
        of(
            "web", planned("name: s\ntitle: S\nservices: [{name: web, title: W, service: web}]", {"web": empty}), "A"
        ).value
        == ""
    )


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("{{links.back.env.B}}", "other has no variable 'B'."),
        ("{{links.back.env.P}}", "other has no variable 'P'."),
        ("{{links.back.tokens.t}}", "{{t}} has no value for other."),
        ("{{links.back.database.host}}", "other serves no database."),
        ("{{links.away.host}}", "{{links.away.host}} asks for the link 'away' of web, which leads to nothing enabled."),
    ],
)
def test_what_a_link_does_not_give_any_more_is_told(asked: str, message: str) -> None:
    service = web(f"""
        links:
        - {{name: back, title: B, selectors: [{{type: service}}]}}
        - {{name: away, title: B, selectors: [{{type: service}}]}}
        env: [{{name: A, value: '{asked}'}}]
        """)
    more = "tokens: [{name: t, value: a}]\nenv: [{name: B, value: a}, {name: P, value: a, envType: prod}]\n"
    more += "endpoints: [{name: a, ports: [{name: a, number: 80, protocol: http}]}]\n"
    full = (
        web(more).replace("name: web", "name: other", 1).replace("type: service", "type: db")
        + DB[DB.index("database:") :]
    )
    full = full.replace("'{{password}}'", "a")
    stack = (
        "name: s\ntitle: S\nservices:\n- {name: web, title: W, service: web, links: [{name: back, service: other}]}\n"
    )
    stack += "- {name: other, title: O, service: other}\n"
    service = service.replace("[{type: service}]", "[{type: db}, {type: service}]")
    bare = valid(web().replace("name: web", "name: other", 1))
    with pytest.raises(PlanError) as raised:
        planned(stack, {"web": service, "other": full}, other={"manifest": bare})
    assert [finding.message for finding in raised.value.findings] == [message]


def test_what_has_no_value_yet_is_told() -> None:
    text = web("keys: [{name: jwt}]\nenv: [{name: A, value: '{{keys.jwt.public}}'}]")
    assert failure(text) == "{{keys.jwt.public}} has no value for web."


def test_a_setting_is_taken_from_the_service_behind_a_link() -> None:
    service = web("""
        links: [{name: backend, title: B, selectors: [{type: service}]}]
        settings: [{name: root, title: R, var: A, from: backend}]
        """)
    other = web("settings: [{name: root, title: R, var: B, default: public}]").replace("name: web", "name: other", 1)
    stack = (
        "name: s\ntitle: S\nservices:\n- {name: web, title: W, service: web, links: [{name: backend, service: o}]}\n"
    )
    plan = planned(stack + "- {name: o, title: O, service: other}\n", {"web": service, "other": other})
    assert of("web", plan, "A").value == "public"
