"""Tokens: the patterns that values are made from, and which declaration of a token counts."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.patterns import LIMIT, PatternError, fault, generate
from catalogue.tokens import Token, materialise
from tests.catalogue.made import valid, valid_stack, web


@pytest.mark.parametrize(
    "pattern",
    [
        *("[0-9a-z-]{32}", "[0-9a-z]{5,10}", "abc", "a{3}b?", "(ab|cd){2}", "(?:x|y|)[A-F]", "^[a-z]{4}$", ""),
        *(r"\d{4}-\w{2}", r"[\]\\a]{9}", r"\.", "[a-]{5}", "[-a]{5}", "[+*?]{3}", "((a|b)c{2}){3}", "a{0}", ".{8}"),
    ],
)
def test_a_generated_value_matches_its_pattern(pattern: str) -> None:
    choose = random.Random(7).choice
    values = {generate(pattern, choose) for _ in range(50)}
    assert all(re.fullmatch(pattern, value) for value in values)


def test_a_pattern_of_32_characters_gives_other_values_each_time() -> None:
    assert len({generate("[0-9a-z]{32}", random.Random(seed).choice) for seed in range(100)}) == 100


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("a*", "repeats need a number, such as {32}"),
        ("[a-z]+", "repeats need a number, such as {32}"),
        ("a{2,}", "repeats need a number, such as {32}"),
        ("a{2}{3}", "repeats need a number, such as {32}"),
        ("*", "'*' stands where nothing can be repeated or closed"),
        ("a{3,2}", "a repeat asks for fewer than its least"),
        ("a{9999}", "the values may be longer than 1024 characters"),
        ("((a{100}){100}){100}", "the values may be longer than 1024 characters"),
        ("a{1000}b{1000}", "the values may be longer than 1024 characters"),
        ("a" * 2000, "the pattern is longer than 1024 characters"),
        ("(" * 20 + ")" * 20, "groups are nested too deep"),
        ("(a", "a parenthesis is not closed"),
        ("a)", "a parenthesis is closed that was not opened"),
        ("[a", "a class is not closed"),
        ("[]", "a class is empty"),
        ("[^a]", "a class is not closed, or says what is not in it"),
        ("[z-a]", "a class holds a range that goes backwards or beyond ASCII"),
        (r"[\d-x]", "a class holds a range that goes backwards or beyond ASCII"),
        (r"\b", "an escape is not understood"),
        ("a\\", "an escape is not understood"),
        ("(?P<x>a)", "'?' stands where nothing can be repeated or closed"),
        ("(?=a)", "'?' stands where nothing can be repeated or closed"),
        ("a^", "'^' stands where nothing can be repeated or closed"),
    ],
)
def test_a_pattern_that_values_cannot_be_made_from_says_why(pattern: str, reason: str) -> None:
    assert fault(pattern) == reason
    with pytest.raises(PatternError, match=re.escape(reason)):
        generate(pattern, lambda choices: choices[0])


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab0-9[](){}|?*+\\^$.,:d", max_size=20))
def test_every_pattern_is_refused_or_gives_a_bounded_value(pattern: str) -> None:
    if fault(pattern) is None:
        assert len(generate(pattern, random.Random(1).choice)) <= LIMIT


SERVICE = """
tokens:
- {name: plain, value: service}
- {name: typed, value: service}
- {name: typed, value: service in production, envType: prod}
- {name: made, generate: {regex: 'x{3}'}}
- {name: hidden, value: h, secret: true}
- {name: both, value: service, envType: prod}
"""
STACK = """
name: shop
title: Shop
services:
- {{name: web, title: Web, service: web, tokens: [{own}]}}
tokens:
- {{name: everywhere, value: stack}}
{more}
"""


def tokens(env_type: str, more: str = "", own: str = "") -> dict[str, Token]:
    manifest = valid(web(SERVICE))
    stack = valid_stack(STACK.format(more=more, own=own), {"web": manifest})
    return dict(materialise(manifest, stack, stack.services[0], env_type, lambda choices: choices[0]))


def test_tokens_are_given_or_made_and_made_ones_are_secret() -> None:
    assert tokens("dev") == {
        "plain": Token("service", secret=False),
        "typed": Token("service", secret=False),
        "made": Token("xxx", secret=True),
        "hidden": Token("h", secret=True),
        "everywhere": Token("stack", secret=False),
    }


def test_the_one_for_this_type_of_environment_counts_before_the_one_for_all() -> None:
    assert tokens("prod")["typed"].value == "service in production"


def test_the_stacks_token_counts_before_the_services_and_the_stack_services_before_both() -> None:
    more = "- {name: plain, value: stack}"
    assert tokens("dev", more)["plain"].value == "stack"
    assert tokens("dev", more, "{name: plain, value: mine}")["plain"].value == "mine"


def test_the_stacks_token_for_all_counts_before_the_services_for_one_type() -> None:
    assert tokens("prod", "- {name: both, value: stack}")["both"].value == "stack"


def test_values_are_random_by_default() -> None:
    manifest = valid(web("tokens: [{name: a, generate: {regex: '[0-9a-z]{32}'}}]"))
    stack = valid_stack(STACK.format(more="", own=""), {"web": manifest})
    values = {materialise(manifest, stack, stack.services[0], "dev")["a"].value for _ in range(20)}
    assert len(values) == 20
