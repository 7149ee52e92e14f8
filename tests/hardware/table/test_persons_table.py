from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hands import ScriptedConsole

from ibc_gym import geometry
from ibc_gym.contracts import Judge, Workcell
from ibc_gym.env import Env
from ibc_gym.errors import CameraTimeout, ConfigError, SpecMismatch
from ibc_gym.hardware.table.persons_table import PersonsTable
from ibc_gym.records import Frame, Layout, Pose, UInt8
from ibc_gym.registry import make_env

LAYOUT: Layout = {
    "block": Pose(position=np.array([0.4, -0.1, 0.02])),
    "target": Pose(
        position=np.array([0.3, 0.2, 0.0]), quaternion=geometry.quaternion_of_yaw(np.pi / 2)
    ),
}


class Eye:
    spec: Any = None

    def __init__(self) -> None:
        self.number = 0

    def read(self) -> Frame:
        self.number += 1
        return Frame(image=np.full((2, 3, 3), 100, np.uint8), time=0.0, number=self.number)

    def close(self) -> None: ...


@dataclass
class Screen:
    place = "page"
    shown: list[UInt8] = field(default_factory=list)

    def show(self, picture: UInt8, words: str) -> None:
        self.shown.append(picture)


def white(layout: Layout) -> UInt8:
    return np.full((2, 3, 3), 200, np.uint8)


def test_wanted_picture_lies_over_the_live_one_while_the_person_arranges() -> None:
    console, screen = ScriptedConsole("enter"), Screen()
    table = PersonsTable(console, LAYOUT, camera=Eye(), wanted=white, display=screen)
    table.arrange(LAYOUT)
    assert (screen.shown[0] == 150).all()
    said = "\n".join(console.said)
    assert "over the live one at page" in said
    assert "block: x 400 mm, y -100 mm from the base, turned by 0 degrees" in said
    assert "target: x 300 mm, y 200 mm from the base, turned by 90 degrees" in said


def test_person_may_give_up() -> None:
    with pytest.raises(ConfigError, match="not arranged"):
        PersonsTable(ScriptedConsole("escape"), LAYOUT).arrange(LAYOUT)


@pytest.mark.parametrize(
    "wrong",
    [{"ghost": LAYOUT["block"]}, {"block": Pose(position=np.full(3, np.nan))}],
)
def test_layout_that_makes_no_sense_is_refused_before_anybody_is_asked(wrong: Layout) -> None:
    console = ScriptedConsole("enter")
    with pytest.raises(SpecMismatch):
        PersonsTable(console, LAYOUT).arrange(wrong)
    assert not console.questions


def test_nothing_measures_poses() -> None:
    assert PersonsTable(ScriptedConsole(), LAYOUT).poses() is None  # type: ignore[func-returns-value]


def test_verdict_is_a_key_and_is_forgotten_when_things_are_arranged_anew() -> None:
    console = ScriptedConsole("enter", "enter", "n")
    table = PersonsTable(console, LAYOUT)
    table.arrange(LAYOUT)
    assert table.verdict() is None
    console.typed += ["w", "y"]
    assert table.verdict() is True
    assert table.judge() is True  # it is not asked for again
    table.arrange(LAYOUT)
    assert table.verdict() is None
    assert table.judge() is False
    assert table.judge() is False
    assert console.questions[-1] == "Was that a success?" and not console.answers


def test_last_word_counts() -> None:
    console = ScriptedConsole()
    table = PersonsTable(console, LAYOUT)
    console.typed += ["y", "n"]
    assert table.verdict() is False


def test_wanted_picture_without_a_camera_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs the camera"):
        PersonsTable(ScriptedConsole(), LAYOUT, wanted=white)


def real_looking_env(console: ScriptedConsole, horizon: int) -> Env:
    """A simulated robot on a table that a person arranges and judges."""
    made = make_env("reach", horizon=horizon, observation="image", image_size=(24, 32))
    assert isinstance(made, Env)
    cell = made.workcell
    table = PersonsTable(console, ("block", "target"))
    seen = Workcell(name="table", robot=cell.robot, scene=table, cameras=cell.cameras)
    return Env(made.task, seen, observation="image")


STILL = np.zeros(2, np.float32)


def test_environment_ends_with_the_persons_word() -> None:
    console = ScriptedConsole("enter")
    env = real_looking_env(console, horizon=5)
    assert isinstance(env.workcell.scene, Judge)
    env.reset(seed=0)
    assert not any(env.step(STILL)[2:4])
    console.typed.append("y")
    _, _, terminated, truncated, info = env.step(STILL)
    assert terminated and not truncated and info["is_success"] is True
    env.close()


@pytest.mark.parametrize(("key", "verdict"), [("y", True), ("n", False)])
def test_environment_asks_at_the_horizon(key: str, verdict: bool) -> None:
    console = ScriptedConsole("enter", key)
    env = real_looking_env(console, horizon=2)
    env.reset(seed=0)
    env.step(STILL)
    _, _, terminated, truncated, info = env.step(STILL)
    assert truncated and not terminated
    assert info["is_success"] is verdict and info["success"] is verdict
    env.close()


def test_hand_before_the_lens_does_not_end_the_arranging() -> None:
    class Covered(Eye):
        def read(self) -> Frame:
            raise CameraTimeout("no fresh picture: 3 × blank picture")

    console = ScriptedConsole("enter")
    table = PersonsTable(console, LAYOUT, camera=Covered(), wanted=white, display=Screen())
    table.arrange(LAYOUT)
    assert len(console.questions) == 1
