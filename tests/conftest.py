"""Fixtures for every test: those of `tests/kit`, one file a subject."""

pytest_plugins = ["tests.kit.chosen", "tests.kit.servers", "tests.kit.process", "tests.kit.sandbox"]
