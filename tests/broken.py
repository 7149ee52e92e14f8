"""Suites run by hand, so that tests can see them fail."""

from __future__ import annotations

import inspect
from typing import Any

from ibc_gym.testing import Contract


def rules_of(suite: type[Contract[Any]]) -> list[str]:
    """The names of the tests of a suite."""
    return [name for name in dir(suite) if name.startswith("test_")]


def failure(suite: type[Contract[Any]], test: str) -> str | None:
    """What a test of a suite complains of, with its notes; None if it passes."""
    made = suite()
    try:
        getattr(made, test)()
    except Exception as error:
        return "\n".join([str(error), *getattr(error, "__notes__", ())])
    finally:
        suite.teardown_class()
    return None


def assert_broken(suite: type[Contract[Any]], test: str) -> None:
    """Hold that a test fails, and says which rule is broken and where it is written."""
    suite.shrink = False
    complaint = failure(suite, test)
    assert complaint is not None, f"{suite.__name__} should break {test}"
    rule = inspect.cleandoc(getattr(suite, test).__doc__ or "").split("\n\n")[0].replace("\n", " ")
    assert rule in complaint
    assert "contracts.py:" in complaint or "env.py:" in complaint


def assert_sound(suite: type[Contract[Any]]) -> None:
    """Hold that every test passes."""
    for test in rules_of(suite):
        assert failure(suite, test) is None, test
