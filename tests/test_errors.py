"""Errors say what happened and what to do."""

from __future__ import annotations

import inspect

import pytest

from ibc_gym import errors


def test_unknown_name_offers_the_nearest_and_all() -> None:
    error = errors.UnknownName("task", "psuh", ["push", "particle", "insert"])
    assert str(error) == (
        "There is no task called 'psuh'. Did you mean 'push'? Known: insert, particle, push."
    )


def test_unknown_name_far_from_all_only_lists() -> None:
    assert "Did you mean" not in str(errors.UnknownName("task", "zzz", ["push"]))


def test_missing_dependency_names_the_extra() -> None:
    error = errors.MissingDependency("torch", extra="policies", needed_for="Training")
    assert "pip install 'ibc-gym[policies]'" in str(error)


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if kind.__module__ == errors.__name__
    ],
)
def test_every_error_has_the_one_root(kind: type[Exception]) -> None:
    assert issubclass(kind, errors.IbcGymError)
