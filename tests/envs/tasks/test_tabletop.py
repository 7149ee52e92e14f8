"""What tabletop tasks share: the state by names, and settings that make no sense."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tabletop_toys import table

from ibc_gym import geometry
from ibc_gym.envs.tasks.push_multimodal import PushMultimodal
from ibc_gym.envs.tasks.push_two_targets import PushTwoTargets
from ibc_gym.envs.tasks.reach import Reach, ReachConfig
from ibc_gym.envs.tasks.tabletop import gap
from ibc_gym.errors import ConfigError
from ibc_gym.registry import make_task
from ibc_gym.tables import TASKS

WIDEST = {"D415": (69.0, 42.0), "D455": (90.0, 65.0)}
"""What the colour sensors of two RealSense cameras see, across and up [degrees]."""
OF_THE_SIMULATOR = ("reach", "push", "push-two-targets", "push-multimodal")
"""Tasks with the published simulator's camera; the others have that of the real table."""


@pytest.mark.parametrize("name", [name for name in TASKS if hasattr(make_task(name), "scene")])
def test_camera_is_one_that_a_realsense_can_be(name: str) -> None:
    """The middle of a colour sensor, with square pixels; it stands upright and looks down at the board from nearby."""
    task: Any = make_task(name)
    (camera,) = task.scene.cameras
    assert camera.fx == camera.fy
    assert (camera.cx, camera.cy) == (camera.width / 2, camera.height / 2)
    across, up = (
        2 * np.degrees(np.arctan(0.5 * size / camera.fx)) for size in (camera.width, camera.height)
    )
    widest = WIDEST["D455" if name in OF_THE_SIMULATOR else "D415"]
    assert across < widest[0] and up < widest[1]
    right, down, ahead = geometry.rotation(np.array(camera.quaternion)).as_matrix().T
    assert abs(right[2]) < 1e-6 and down[2] < -0.5 and ahead[2] < -0.5
    x, y, height = np.array(camera.position)
    assert 0.4 < height / -ahead[2] < 1.2  # to the table, within the sensor's range
    seen = np.array([x, y]) + height / -ahead[2] * ahead[:2]
    assert (seen > task.scene.workspace_lower[:2]).all()
    assert (seen < task.scene.workspace_upper[:2]).all()


@pytest.mark.parametrize(
    "task, size", [(Reach(), 10), (PushTwoTargets(), 13), (PushMultimodal(), 16)]
)
def test_state_is_as_long_as_published_and_its_keys_are_in_alphabetical_order(
    task: Any, size: int
) -> None:
    names = task.feature_names["state"]
    keys = [name.removesuffix("_x").removesuffix("_y") for name in names]
    assert len(names) == size
    assert keys == sorted(keys)


def test_columns_are_where_the_names_say() -> None:
    task = PushMultimodal()
    names = task.feature_names["state"]
    for key, where in task.columns.items():
        assert {name.removesuffix("_x").removesuffix("_y") for name in names[where]} == {key}
    assert sum(len(names[where]) for where in task.columns.values()) == len(names)


def test_every_thing_is_seen_in_its_own_columns() -> None:
    task = PushMultimodal()
    things = {
        "block": (0.31, -0.1, 0.1),
        "block2": (0.42, -0.2, 0.2),
        "target": (0.33, 0.1, 0.3),
        "target2": (0.44, 0.2, 0.4),
    }
    state = task.features(table((0.5, -0.3), **things))["state"]
    for name, (x, y, yaw) in things.items():
        np.testing.assert_allclose(state[task.columns[f"{name}_translation"]], [x, y], atol=1e-6)
        np.testing.assert_allclose(state[task.columns[f"{name}_orientation"]], yaw, atol=1e-6)
    for tip in ("effector_translation", "effector_target_translation"):
        np.testing.assert_allclose(state[task.columns[tip]], [0.5, -0.3], atol=1e-6)


def test_thing_that_flew_off_is_told_at_the_edge_of_the_space() -> None:
    task = Reach()
    state = task.features(table(block=(0.3, -7.5), target=(0.4, 0.1)))["state"]
    assert task.feature_spaces["state"].contains(state)
    np.testing.assert_allclose(state[task.columns["block_translation"]], [0.3, -5.0], atol=1e-6)


def test_gap_is_seen_from_above() -> None:
    assert gap(table(a=(0.1, 0.2), b=(0.4, 0.6)), "a", "b") == pytest.approx(0.5)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"goal_tolerance": 0.1}, "ReachConfig.goal_tolerance is 0.1 m.*0.01 is the value"),
        ({"horizon": 0}, "ReachConfig.horizon is 0"),
        ({"control_rate": 0.5}, "benchmark uses 10"),
        ({"image_size": (90, 160)}, "3 : 4"),
    ],
)
def test_senseless_settings_are_refused_in_the_name_of_the_task(
    options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        ReachConfig(**options)
