"""`ibc-gym list` says what every name stands for, and reads it right without loading anything."""

from __future__ import annotations

import pytest

from ibc_gym import registry, tables
from ibc_gym.cli import list as listing


@pytest.mark.parametrize("name", tables.PRESETS)
def test_every_preset_says_below_it_what_it_is_for(name: str) -> None:
    said, _ = listing.names(tables.PRESETS)[name].split("; ")
    assert len(said) > 5 and not said.endswith(".")
    assert said != listing.NOTHING_SAID


@pytest.mark.parametrize("name", tables.PRESETS)
def test_policy_and_updates_of_a_preset_are_those_that_it_has(name: str) -> None:
    preset = registry.load(tables.PRESETS, name, "preset")
    said = listing.names(tables.PRESETS)[name]
    assert said.endswith(f"; {preset.policy}, {preset.training.steps:,} updates")


@pytest.mark.parametrize("title", listing.TABLES)
def test_every_row_is_one_line_on_its_subject(title: str) -> None:
    for line in listing.names(listing.TABLES[title]).values():
        assert line
        assert not line.startswith("The task:")
