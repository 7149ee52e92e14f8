"""Pictures: the published camera sees what its numbers say, and looking changes nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

from ibc_gym import geometry
from ibc_gym.contracts import Workcell
from ibc_gym.envs.simulators.mujoco_sim import make_workcell
from ibc_gym.envs.simulators.mujoco_world import MujocoWorld
from ibc_gym.envs.tasks.push import Push
from ibc_gym.errors import ConfigError
from ibc_gym.records import Bool, CameraSpec, Float64, Pose, Target, UInt8


@pytest.fixture(scope="module")
def cell() -> Iterator[Workcell]:
    workcell = make_workcell(Push(), cameras=True)
    yield workcell
    workcell.close()


def pixel(spec: CameraSpec, point: Float64) -> tuple[float, float]:
    """Where a point [m] is seen: right and down from the picture's corner [px], by the pinhole's equations."""
    turn = geometry.rotation(np.array(spec.quaternion))
    x, y, z = turn.inv().apply(point - np.array(spec.position))
    return spec.cx + spec.fx * x / z, spec.cy + spec.fy * y / z


def centroid(seen: Bool) -> tuple[float, float]:
    rows, columns = np.nonzero(seen)
    return float(columns.mean()) + 0.5, float(rows.mean()) + 0.5


def picture(cell: Workcell) -> UInt8:
    return cell.cameras["front"].read().image


@pytest.mark.parametrize("x, y", [(0.3, -0.3), (0.5, -0.05), (0.4, 0.3)])
def test_block_is_seen_where_the_pinhole_puts_it(cell: Workcell, x: float, y: float) -> None:
    cell.robot.reset()
    cell.scene.arrange({"block": Pose(position=np.array([x, y, 0.02]))})
    image = picture(cell).astype(int)
    red = (image[..., 0] > 1.5 * image[..., 1]) & (image[..., 0] > 90)
    corners = [
        np.array([x, y, 0.02]) + 0.02 * np.array([i, j, k])
        for i in (-1, 1)
        for j in (-1, 1)
        for k in (-1, 1)
    ]
    across, down = zip(
        *(pixel(cell.cameras["front"].spec, corner) for corner in corners), strict=True
    )
    rows, columns = np.nonzero(red)
    assert columns.min() == pytest.approx(min(across), abs=1.5)
    assert columns.max() + 1 == pytest.approx(max(across), abs=1.5)
    assert rows.min() == pytest.approx(min(down), abs=1.5)
    assert rows.max() + 1 == pytest.approx(max(down), abs=1.5)


def test_zone_is_seen_around_its_centre(cell: Workcell) -> None:
    cell.robot.reset()
    cell.scene.arrange({"target": Pose(position=np.array([0.45, 0.2, 0.0]))})
    image = picture(cell).astype(int)
    green = (image[..., 1] > 1.2 * image[..., 0]) & (image[..., 1] > 1.2 * image[..., 2])
    expected = pixel(cell.cameras["front"].spec, np.array([0.45, 0.2, 0.001]))
    assert centroid(green) == pytest.approx(expected, abs=1.5)


@pytest.mark.parametrize("size", [(240, 320), (90, 120)])
def test_camera_has_the_published_pose_and_field_of_view(size: tuple[int, int]) -> None:
    spec = Push(Push.Config(image_size=size)).scene.cameras[0]
    assert (spec.height, spec.width) == size
    assert spec.position == (1.0, 0.0, 0.75)
    looking = geometry.rotation(np.array(spec.quaternion)).apply([0.0, 0.0, 1.0])
    np.testing.assert_allclose(looking, [-(0.5**0.5), 0.0, -(0.5**0.5)], atol=1e-12)
    assert np.degrees(2 * np.arctan(spec.height / 2 / spec.fy)) == pytest.approx(50.07, abs=0.01)
    assert pixel(spec, np.array([0.25, 0.0, 0.0])) == pytest.approx((spec.cx, spec.cy))


def test_drawing_changes_nothing_of_the_world(cell: Workcell) -> None:
    assert cell.simulation is not None
    cell.robot.reset()
    cell.robot.advance()
    before = cell.simulation.save()
    picture(cell)
    np.testing.assert_array_equal(cell.simulation.save(), before)


def test_same_world_gives_the_same_picture(cell: Workcell) -> None:
    assert cell.simulation is not None
    cell.robot.reset()
    state = cell.simulation.save()
    first = picture(cell)
    cell.robot.command(
        Target(tool=Pose(position=np.array([0.45, 0.0, 0.01]), quaternion=np.array([0.0, 0, 1, 0])))
    )
    cell.robot.advance()
    assert (picture(cell) != first).any()
    cell.simulation.restore(state)
    np.testing.assert_array_equal(picture(cell), first)


def test_every_period_has_a_picture_of_its_own_number_and_time(cell: Workcell) -> None:
    cell.robot.reset()
    frames = []
    for _ in range(3):
        frames.append(cell.cameras["front"].read())
        cell.robot.advance()
    assert [frame.number - frames[0].number for frame in frames] == [0, 1, 2]
    assert np.diff([frame.time for frame in frames]) == pytest.approx(0.1)


def test_one_instant_is_drawn_once(cell: Workcell) -> None:
    cell.robot.reset()
    assert cell.cameras["front"].read() is cell.cameras["front"].read()


def test_two_workcells_draw_side_by_side(cell: Workcell) -> None:
    cell.robot.reset()
    alone = picture(cell)
    other = make_workcell(Push(Push.Config(image_size=(90, 120))), cameras=True)
    assert other.cameras["front"].read().image.shape == (90, 120, 3)
    assert cell.simulation is not None
    cell.simulation.restore(cell.simulation.save())
    np.testing.assert_array_equal(picture(cell), alone)
    other.close()
    other.close()
    cell.simulation.restore(cell.simulation.save())
    np.testing.assert_array_equal(picture(cell), alone)


def test_picture_larger_than_the_buffer_is_refused() -> None:
    from ibc_gym.envs.simulators.mujoco_render import Renderer

    world = MujocoWorld(Push().scene)
    huge = dataclasses.replace(world.spec.cameras[0], width=4000)
    with pytest.raises(ConfigError, match="more than the largest picture"):
        Renderer(world.model, world.data, huge)
