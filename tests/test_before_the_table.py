"""What can be known to be missing is told before anybody is asked to go through a checklist, or anything is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hands import ScriptedHand

from ibc_gym import person_stage, tables
from ibc_gym.calibrate import CalibrateConfig, _serial
from ibc_gym.errors import ConfigError
from ibc_gym.evaluation.results import EvalConfig
from ibc_gym.person_stage import PersonStage, RecordByPersonConfig
from ibc_gym.raw_streams import raw_folder
from ibc_gym.record import RecordConfig
from ibc_gym.registry import make_env
from ibc_gym.watching import OnPage, watched


class NotAttached:
    """A device that is not there."""

    def __init__(self) -> None:
        raise ConfigError("No SpaceMouse could be opened.")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Workcells that were opened."""
    found: list[str] = []

    def make(task: str, **options: Any) -> Any:
        found.append(task)
        return make_env(task, **options)

    monkeypatch.setattr(person_stage, "make_env", make)
    monkeypatch.setitem(tables.TELEOPERATION, "script", "hands:ScriptedHand")
    monkeypatch.setattr(ScriptedHand, "made", [])
    return found


def test_device_that_is_not_there(opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person_stage, "open_device", lambda name: NotAttached())
    with pytest.raises(ConfigError, match="SpaceMouse"):
        PersonStage(RecordByPersonConfig(task="reach", by="gone"))
    assert not opened


@pytest.mark.parametrize("settings", [{"frame": "sideways"}, {"speed": -1.0}])
def test_hand_that_makes_no_sense(opened: list[str], settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        PersonStage(RecordByPersonConfig(task="reach", by="script", **settings))
    assert not opened and not ScriptedHand.made


def test_page_that_cannot_be_served(opened: list[str]) -> None:
    with watched(0) as taken:
        assert taken is not None
        port = int(taken.address.rstrip("/").rpartition(":")[2])
        with pytest.raises(ConfigError, match="page"):
            PersonStage(RecordByPersonConfig(task="reach", by="script", view=port))
    assert not opened
    assert [hand.closed for hand in ScriptedHand.made] == [1]


@pytest.mark.parametrize("config", [RecordConfig, RecordByPersonConfig])
@pytest.mark.parametrize(
    "workcell, observation, why",
    [
        (None, "image", "draws"),
        ("mujoco", "image", "'mujoco' draws"),
        ("xarm", "state", "none is open"),
    ],
)
def test_raw_streams_that_nobody_sends(
    config: type[Any], workcell: str | None, observation: str, why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        config(task="insert", workcell=workcell, observation=observation, raw=True)


def test_raw_streams_lie_beside_the_data(tmp_path: Path) -> None:
    assert raw_folder(Path("runs/demos.zarr")) == Path("runs/demos.raw")
    with pytest.raises(ConfigError, match="'mujoco' draws"):
        make_env("reach", workcell="mujoco", observation="image", raw=tmp_path)
    with pytest.raises(ConfigError, match="CartPole-v1' draws"):
        make_env("gym:CartPole-v1", raw=tmp_path)


def test_page_for_an_evaluation_in_simulation() -> None:
    with pytest.raises(ConfigError, match="real time"):
        EvalConfig(policy="oracle", env="push", view=0)
    with pytest.raises(ConfigError, match="must be a port"):
        EvalConfig(policy="oracle", env="push", workcell="xarm-emulated", view=-1)


def test_page_shows_every_step_of_an_environment_that_renders() -> None:
    shown: list[tuple[Any, str]] = []

    class Page:
        address = "here"

        def show(self, picture: Any, words: str) -> None:
            shown.append((picture, words))

    with make_env("reach", render_mode="rgb_array") as env:
        seen, info = env.reset(seed=4)
        page = OnPage(Page(), env)
        page.on_reset(np.ones(1, np.bool_), [4], seen, info)
    (picture, words) = shown[0]
    assert picture.shape == (240, 320, 3) and words == "seed 4, step 0"


def test_calibration_of_another_camera_than_the_one_that_is_there() -> None:
    class Cell:
        name, simulation = "xarm", None

    cell: Any = Cell()
    config = CalibrateConfig(what="camera", date="2026-05-01")
    assert _serial(config, cell, "front", "817412") == "817412"
    other = CalibrateConfig(what="camera", date="2026-05-01", serial="1")
    with pytest.raises(ConfigError, match=r"'1'.*'817412'"):
        _serial(other, cell, "front", "817412")
