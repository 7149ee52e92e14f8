"""The workcell of the real arm, with an emulated arm in its place: what the table's file says, and what a person is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ibc_gym.env import Env
from ibc_gym.errors import ConfigError, RobotFault
from ibc_gym.hardware.arm.config import XArmConfig
from ibc_gym.hardware.calibration.files import BOUNDS, Stored, save
from ibc_gym.hardware.rig.process import Rig
from ibc_gym.hardware.table.console import Answers, Meanwhile
from ibc_gym.hardware.workcells import emulated, real
from ibc_gym.hardware.workcells.table import (
    FILE,
    NEARLY,
    VARIABLE,
    TableConfig,
    arm_for,
    load_table,
)
from ibc_gym.registry import make_env, make_task
from ibc_gym.tables import TASKS

TABLE = """
calibrations = {{ front = "{folder}/front.json" }}

[arm]
address = "192.168.1.203"
firmware = [2, 4, 0]
joint_speed = 1.0

[[cameras]]
name = "front"
serial = "123"
options = {{ exposure = 0.01 }}

[safety]
speed = 0.4
workspace = [[1, 1, 0, 0.8]]
"""


class Script:
    """A person at a console, who answers questions about these words so, and all others with yes."""

    def __init__(self, **answers: str) -> None:
        self.answers, self.asked, self.said = answers, [], []  # type: ignore[var-annotated]

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def ask(self, question: str, answers: Answers, meanwhile: Meanwhile = None) -> str:
        self.asked.append(question)
        for word, answer in self.answers.items():
            if word in question:
                return answer
        return "enter" if "enter" in answers else "y"

    def pressed(self) -> tuple[str, ...]:
        return ()


@pytest.fixture(autouse=True)
def nothing_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real, "_confirmed", [])


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """An arm with the tool of `reach`, as somebody left it who had set it up."""
    task = make_task("reach")
    cell = emulated.make_workcell(task, cameras=False)
    arm: Any = cell.robot
    yield arm._inner.rig
    cell.close()


def table(rig: Rig) -> TableConfig:
    return TableConfig(arm=emulated._emulated(make_task("reach"), rig.address))


def test_file_says_what_stands_on_the_table(tmp_path: Path) -> None:
    errors = dict.fromkeys(BOUNDS["camera"], 0.0)
    numbers = {"position": [0.7, 0, 0.5], "quaternion": [0, 1, 0, 0]}
    found = Stored(kind="camera", date="2026-05-01", serial="123", errors=errors, numbers=numbers)
    save(tmp_path / "front.json", found)
    path = tmp_path / "table.toml"
    path.write_text(TABLE.format(folder=tmp_path))
    table = load_table(path)
    assert table.arm.address == "192.168.1.203" and table.arm.firmware == (2, 4, 0)
    assert table.safety.speed == 0.4
    assert [*map(list, table.safety.workspace)] == [[1, 1, 0, 0.8]]
    (camera,) = table.calibrated()
    assert camera.options.exposure == 0.01 and camera.pose.position == (0.7, 0.0, 0.5)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[arm", "TOML"),
        ("", "arm"),
        ('[arm]\naddress = "192.168.1.203"\nspeed = 1', "no field.*speed|unknown.*speed|speed"),
        ('[arm]\naddress = "arm.local"', "IPv4"),
        ('calibrations = { side = "s.json" }\n[arm]\naddress = "192.168.1.203"', "side"),
    ],
)
def test_file_that_does_not_serve_is_named_with_what_is_wrong(
    text: str, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=why) as caught:
        load_table(path)
    assert "mine.toml" in str(caught.value)


def test_missing_file_is_told_with_where_it_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(ConfigError, match=f"{FILE}.*{VARIABLE}"):
        load_table()
    monkeypatch.setenv(VARIABLE, "elsewhere.toml")
    with pytest.raises(ConfigError, match=r"elsewhere\.toml"):
        load_table()


def test_tool_of_another_length_is_no_tool_for_the_task() -> None:
    with pytest.raises(ConfigError, match=r"long, but XArmConfig.tool_length is 0\.3"):
        arm_for(make_task("insert"), XArmConfig(address="127.0.0.1", tool_length=0.3))


@pytest.mark.parametrize("name", TASKS)
def test_every_task_that_names_the_arm_is_within_its_reach(name: str) -> None:
    task = make_task(name)
    if "xarm" in task.workcells:
        config = emulated._emulated(task, "127.0.0.1")
        arm = arm_for(task, config)
        tip = arm.kinematics().forward(arm.home()).position
        beside = NEARLY if name == "sort" else 1e-6
        assert np.linalg.norm(tip - task.scene.home) < beside  # type: ignore[attr-defined]
    else:
        assert name == "particle"


def test_arm_begins_beside_a_home_that_its_joints_just_do_not_reach_and_clear_of_their_stops() -> (
    None
):
    task = make_task("sort")
    arm = arm_for(task, emulated._emulated(task, "127.0.0.1"))
    kinematics = arm.kinematics()
    x, y, _ = kinematics.forward(arm.home()).position
    assert x == pytest.approx(0.1748, abs=1e-4) and y == pytest.approx(0.0, abs=1e-9)
    assert (kinematics.upper - arm.home()).min() > 0.009
    assert (arm.home() - kinematics.lower).min() > 0.009


def test_home_that_is_out_of_reach_is_told_with_by_how_much() -> None:
    task = make_task("sort", control_rate=5.0)
    far = SimpleNamespace(
        name="far",
        scene=replace(task.scene, home=(0.16, 0.0, 0.01)),  # type: ignore[attr-defined]
    )
    with pytest.raises(ConfigError, match=r"12\.\d mm out of reach"):
        arm_for(far, emulated._emulated(task, "127.0.0.1"))  # type: ignore[arg-type]


@pytest.mark.parametrize("observation", ["state", "state+image"])
def test_state_that_nothing_measures_is_refused_before_anybody_is_asked(observation: str) -> None:
    with pytest.raises(ConfigError, match="observe pictures"):
        make_env("reach", workcell="xarm", observation=observation)


def test_task_without_a_table_needs_no_arm() -> None:
    with pytest.raises(ConfigError, match="no table"):
        arm_for(make_task("particle"), XArmConfig(address="127.0.0.1"))


def test_person_is_asked_before_anything_connects(rig: Rig) -> None:
    before = rig.state()["clients"]
    with pytest.raises(ConfigError, match="emergency stop"):
        real.assemble(
            make_task("reach"), table(rig), Script(**{"emergency stop": "n"}), cameras=False
        )
    assert rig.state()["clients"] == before


def test_checklist_is_gone_through_once_in_a_program_and_again_after_a_break(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, after_lunch = Script(), Script(), Script()
    for person in (first, second):
        real.assemble(make_task("reach"), table(rig), person, cameras=False).close()
    assert len(first.asked) > 5 and not second.asked
    (known, since) = real._confirmed[0]
    monkeypatch.setattr(real, "_confirmed", [(known, since - real.STILL_TRUE)])
    real.assemble(make_task("reach"), table(rig), after_lunch, cameras=False).close()
    assert after_lunch.asked == first.asked


def test_episode_on_the_real_workcell_is_arranged_and_judged_by_the_person(rig: Rig) -> None:
    task, person = make_task("reach"), Script()
    cell = real.assemble(task, table(rig), person, cameras=False)
    cell.robot.reset()
    assert any("goes home" in question for question in person.asked)
    cell.scene.arrange(task.sample(np.random.default_rng(0)).layout)
    assert any("place" in question for question in person.asked)
    assert cell.scene.poses() is None
    cell.robot.command(cell.robot.observe().target)
    cell.robot.advance()
    cell.close()


def test_arm_stays_where_it_is_unless_it_is_let_go_home(rig: Rig) -> None:
    cell = real.assemble(
        make_task("reach"), table(rig), Script(**{"goes home": "escape"}), cameras=False
    )
    before = rig.state()["joints"]
    with pytest.raises(ConfigError, match="not let go home"):
        cell.robot.reset()
    assert np.allclose(rig.state()["joints"], before, atol=1e-6)
    cell.close()


def test_observing_poses_that_nothing_measures_is_refused(rig: Rig) -> None:
    task = make_task("reach")
    cell = real.assemble(task, table(rig), Script(), cameras=False)
    with Env(task, cell, observation="state") as env, pytest.raises(ConfigError, match="pose"):
        env.reset(seed=0)


def test_error_from_before_is_cleared_only_if_somebody_has_looked(rig: Rig) -> None:
    rig.inject("error")
    with pytest.raises(RobotFault):
        real.assemble(make_task("reach"), table(rig), Script(cleared="n"), cameras=False)
    person = Script()
    real.assemble(make_task("reach"), table(rig), person, cameras=False).close()
    assert any("cleared" in question for question in person.asked)


def test_camera_that_the_table_lacks_is_named(rig: Rig) -> None:
    with pytest.raises(ConfigError, match="front"):
        real.assemble(make_task("reach"), table(rig), Script(), cameras=True)
