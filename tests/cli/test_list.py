"""`ibc-gym list` says what every name stands for, and reads it right without loading anything."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ibc_gym import loading, tables
from ibc_gym.cli import list as listing


@pytest.fixture(scope="module")
def lines() -> Mapping[str, str]:
    """What is said of every preset."""
    return listing.names(tables.PRESETS)


@pytest.mark.parametrize("name", tables.PRESETS)
def test_every_preset_says_below_it_what_it_is_for_and_what_it_has(
    name: str, lines: Mapping[str, str]
) -> None:
    said, has = lines[name].split("; ")
    assert len(said) > 5 and not said.endswith(".")
    assert said != listing.NOTHING_SAID
    preset = loading.load(tables.PRESETS, name, "preset")
    assert has == f"{preset.policy}, {preset.training.steps:,} updates"


@pytest.mark.parametrize("title", listing.TABLES)
def test_every_row_is_one_line_on_its_subject(title: str) -> None:
    for line in listing.names(listing.TABLES[title]).values():
        assert line
        assert not line.startswith("The task:")
