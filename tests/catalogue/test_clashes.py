"""Objects of different services never share a name, and no name is longer than Kubernetes takes."""

import pytest

from catalogue.facts import PlanError
from tests.catalogue.made import planned, web

PORT = "ports: [{name: http, number: 80, protocol: http}]"


def told(stack: str, **services: str) -> list[str]:
    with pytest.raises(PlanError) as raised:
        planned(f"name: s\ntitle: S\nservices:\n{stack}", services)
    return [finding.message for finding in raised.value.findings]


def test_an_endpoint_named_like_another_service_is_told() -> None:
    text = web(f"endpoints: [{{name: http, main: true, {PORT}}}, {{name: admin, {PORT}}}]")
    stack = "- {name: shop, title: A, service: web}\n- {name: shop-admin, title: B, service: web}\n"
    assert told(stack, web=text) == ["The endpoint 'shop-admin' would be that of 'shop' too."]


def test_a_workload_named_like_another_service_is_told() -> None:
    text = web("- {name: side, kind: deployment, containers: [{name: a, image: 'a:1'}]}")
    stack = "- {name: shop, title: A, service: web}\n- {name: shop-side, title: B, service: web}\n"
    assert told(stack, web=text) == ["The workload 'shop-side' would be that of 'shop' too."]


def test_volumes_that_would_share_a_claim_are_told() -> None:
    text = web("volumes: [{name: b-c, title: A, size: 1}, {name: c, title: B, size: 1}]")
    stack = "- {name: a, title: A, service: web}\n- {name: a-b, title: B, service: web}\n"
    assert told(stack, web=text) == ["The volume 'a-b-c' would be that of 'a' too."]


def test_a_name_that_is_too_long_is_told() -> None:
    name = "s" + "x" * 61
    text = web(f"endpoints: [{{name: http, main: true, {PORT}}}, {{name: admin, {PORT}}}]")
    assert told(f"- {{name: {name}, title: A, service: web}}\n", web=text) == [
        f"The endpoint '{name}-admin' has a name of more than 63 characters."
    ]


def test_a_name_that_is_too_long_for_a_stateful_set_is_told() -> None:
    name = "s" + "x" * 51
    text = web("- {name: side, kind: statefulset, containers: [{name: a, image: 'a:1'}]}")
    assert told(f"- {{name: {name}, title: A, service: web}}\n", web=text) == [
        f"The workload '{name}-side' has a name of more than 52 characters."
    ]
