from __future__ import annotations

import pytest
from hands import ScriptedConsole

from ibc_gym.errors import Declined
from ibc_gym.hardware.table.checklist import Told, checklist, go_through

TOLD = Told(tool_length=0.1524, payload=0.1, fence=((0.1, -0.45, -0.005), (0.7, 0.45, 0.6)))
ITEMS = checklist(TOLD, picture_at="http://127.0.0.1:8000/")


def test_every_item_is_asked_for_by_itself() -> None:
    console = ScriptedConsole(*"y" * len(ITEMS))
    go_through(console, ITEMS)
    assert len(console.questions) == len(ITEMS)
    for item, question in zip(ITEMS, console.questions, strict=True):
        assert item.question in question


@pytest.mark.parametrize("number", range(len(ITEMS)))
def test_one_no_stops_it_there_and_says_what_for(number: int) -> None:
    console = ScriptedConsole(*"y" * number, "n")
    with pytest.raises(Declined, match="nothing moves") as refused:
        go_through(console, ITEMS)
    assert ITEMS[number].name in str(refused.value)
    assert len(console.questions) == number + 1


def test_everything_that_can_hurt_is_on_it() -> None:
    names = {item.name for item in ITEMS}
    assert len(names) == len(ITEMS)
    assert names >= {"workspace", "emergency stop", "tool", "payload", "fence", "camera", "power"}


def test_questions_name_what_the_file_says() -> None:
    asked = {item.name: item.question for item in ITEMS}
    assert "152.4 mm" in asked["tool"] and "152.4 mm" in asked["payload"]
    assert "0.1 kg" in asked["payload"]
    assert "x 100 to 700, y -450 to 450, z -5 to 600 mm" in asked["fence"]
    assert "http://127.0.0.1:8000/" in asked["camera"]


def test_picture_is_shown_while_it_is_asked_about_and_not_before() -> None:
    shown: list[int] = []
    console = ScriptedConsole(*"y" * len(ITEMS))
    items = checklist(TOLD, picture_at="page", show=lambda: shown.append(len(console.questions)))
    go_through(console, items)
    (when,) = shown
    assert console.questions[when - 1].split(",")[1].startswith(" camera:")


def test_without_a_camera_nothing_is_asked_about_its_picture() -> None:
    assert "camera" not in {item.name for item in checklist(TOLD)}
