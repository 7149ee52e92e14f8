from __future__ import annotations

import pytest
from hands import ScriptedConsole

from ibc_gym.errors import ConfigError
from ibc_gym.hardware.table.checklist import CHECKLIST, go_through


def test_every_item_is_asked_for_by_itself() -> None:
    console = ScriptedConsole(*"y" * len(CHECKLIST))
    go_through(console)
    assert len(console.questions) == len(CHECKLIST)
    for item, question in zip(CHECKLIST, console.questions, strict=True):
        assert item.question in question


@pytest.mark.parametrize("number", range(len(CHECKLIST)))
def test_one_no_stops_it_there_and_says_what_for(number: int) -> None:
    console = ScriptedConsole(*"y" * number, "n")
    with pytest.raises(ConfigError, match="nothing moves") as refused:
        go_through(console)
    assert CHECKLIST[number].name in str(refused.value)
    assert len(console.questions) == number + 1


def test_everything_that_can_hurt_is_on_it() -> None:
    names = {item.name for item in CHECKLIST}
    assert len(names) == len(CHECKLIST)
    assert names >= {"workspace", "emergency stop", "tool", "payload", "fence", "camera", "power"}
