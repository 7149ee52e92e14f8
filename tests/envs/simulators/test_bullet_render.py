"""Pictures of PyBullet's worlds: upright, undisturbing, and painted where nothing stands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ibc_gym.contracts import Workcell
from ibc_gym.envs.simulators.bullet_sim import make_workcell
from ibc_gym.envs.tasks.push import Push
from ibc_gym.records import Pose, UInt8


@pytest.fixture(scope="module")
def cell() -> Iterator[Workcell]:
    workcell = make_workcell(Push(Push.Config(image_size=(120, 160))), cameras=True)
    yield workcell
    workcell.close()


def picture(cell: Workcell) -> UInt8:
    return cell.cameras["front"].read().image


def test_near_things_are_low_in_the_picture_and_the_arms_left_is_on_the_right(
    cell: Workcell,
) -> None:
    """The camera faces the arm."""
    centres = {}
    for name, place in {"far": (0.3, 0.0), "near": (0.5, 0.0), "left": (0.4, 0.3)}.items():
        cell.robot.reset()
        cell.scene.arrange({"block": Pose(position=np.array([*place, 0.02]))})
        image = picture(cell).astype(int)
        rows, columns = np.nonzero((image[..., 0] > 1.5 * image[..., 1]) & (image[..., 0] > 90))
        centres[name] = rows.mean(), columns.mean()
    assert centres["near"][0] > centres["far"][0] + 10
    assert centres["left"][1] > centres["near"][1] + 10


def test_drawing_changes_nothing_of_the_world(cell: Workcell) -> None:
    assert cell.simulation is not None
    ahead = []
    for seen in (True, False):
        cell.robot.reset()
        for _ in range(3):
            cell.robot.advance()
            if seen:
                picture(cell)
        ahead.append(cell.simulation.save().tobytes())
    assert ahead[0] == ahead[1]


def test_restored_world_gives_the_same_picture(cell: Workcell) -> None:
    assert cell.simulation is not None
    cell.robot.reset()
    cell.robot.advance()
    state, first = cell.simulation.save(), picture(cell)
    cell.robot.reset()
    cell.scene.arrange({"block": Pose(position=np.array([0.5, 0.0, 0.02]))})
    assert (picture(cell) != first).any()
    cell.simulation.restore(state)
    np.testing.assert_array_equal(picture(cell), first)


def test_table_and_what_is_behind_it_are_painted(cell: Workcell) -> None:
    cell.robot.reset()
    image = picture(cell)
    nearest_row = image[-1]
    assert (nearest_row == nearest_row[0]).all()  # bare table, in front of the board
    assert 150 < nearest_row.mean() < 230


_DRAW = """
from ibc_gym.registry import make_env
with make_env("push", workcell="pybullet", observation="image", image_size=(60, 80)) as env:
    assert env.reset(seed=0)[0]["image"].std() > 10
with open("/proc/self/maps") as maps:
    print(*{line.split()[-1] for line in maps if ".so" in line})
"""


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="Linux tells what is loaded")
def test_pictures_need_no_library_of_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", _DRAW], capture_output=True, text=True, check=True)
    loaded = {Path(name).name.split(".")[0] for name in done.stdout.split()}
    assert any(name.startswith("pybullet") for name in loaded)
    graphics = ("libGL", "libEGL", "libOSMesa", "libX11", "libxcb", "libgbm", "libglfw", "libLLVM")
    assert not [name for name in loaded if name.startswith(graphics)]
