"""When a stack is outdated."""

from catalogue.compare import outdated
from tests.catalogue.made import valid, valid_stack, web

STACK = """
name: shop
title: Shop
services:
- {name: a, title: A, service: web}
- {name: b, title: B, service: web, disabled: true}
- {name: c, title: C, service: web, serviceRevPinned: true}
- {name: d, title: D, service: 'web:1.0'}
- {name: e, title: E, service: web}
"""


def test_a_stack_is_outdated_by_newer_revisions_of_services_that_are_not_pinned() -> None:
    stack = valid_stack(STACK, {"web": valid(web())})
    used = {"a": 1, "b": 2, "c": 1, "d": 1, "e": 3}
    assert outdated(stack, used, {"web": 3}) == ("a", "b")
    assert outdated(stack, used, {"web": 1}) == ()
    assert outdated(stack, used, {}) == ()
