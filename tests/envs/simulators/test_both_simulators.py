"""MuJoCo and PyBullet agree on everything that is geometry."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ibc_gym import geometry
from ibc_gym.contracts import Workcell
from ibc_gym.envs.scene_spec import SceneSpec
from ibc_gym.envs.simulators import bullet_sim, mujoco_sim
from ibc_gym.envs.tasks.push import Push
from ibc_gym.kinematics import DOWN
from ibc_gym.records import Bool, CameraSpec, Float64, Pose, Target, UInt8
from ibc_gym.registry import make_task


class OffCentre(Push):
    """Pushing, seen by a camera whose axis misses the picture's middle, with unequal focal lengths."""

    @property
    def scene(self) -> SceneSpec:
        scene = Push().scene
        (camera,) = scene.cameras
        odd = dataclasses.replace(camera, fx=230.0, fy=265.0, cx=175.0, cy=101.0)
        return dataclasses.replace(scene, cameras=(odd,))


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Workcell, Workcell]]:
    cells = tuple(
        simulator.make_workcell(OffCentre(), cameras=True) for simulator in (mujoco_sim, bullet_sim)
    )
    assert len(cells) == 2
    yield cells
    for cell in cells:
        cell.close()


def tip(cell: Workcell) -> Pose:
    pose = cell.robot.observe().tool
    assert pose is not None
    return pose


def poses(cell: Workcell) -> dict[str, Pose]:
    found = cell.scene.poses()
    assert found is not None
    return dict(found)


def test_reset_puts_the_arm_at_the_same_place(both: tuple[Workcell, Workcell]) -> None:
    for home in (None, Target(tool=Pose(position=np.array([0.5, 0.2, 0.01]), quaternion=DOWN))):
        for cell in both:
            cell.robot.reset(home)
        mujoco, bullet = (cell.robot.observe() for cell in both)
        np.testing.assert_allclose(mujoco.joints, bullet.joints, atol=1e-12)
        np.testing.assert_allclose(tip(both[0]).position, tip(both[1]).position, atol=1e-7)
        turned = tip(both[0]).quaternion @ tip(both[1]).quaternion
        assert abs(turned) == pytest.approx(1.0, abs=1e-9)


def test_limits_are_the_same(both: tuple[Workcell, Workcell]) -> None:
    assert both[0].robot.limits == both[1].robot.limits


@pytest.mark.parametrize("seed", range(3))
def test_things_stand_at_the_same_places(both: tuple[Workcell, Workcell], seed: int) -> None:
    start = Push().sample(np.random.default_rng(seed))
    for cell in both:
        cell.robot.reset(start.home)
        cell.scene.arrange(start.layout)
    mujoco, bullet = map(poses, both)
    assert list(mujoco) == list(bullet)
    for name in mujoco:
        np.testing.assert_allclose(mujoco[name].position, bullet[name].position, atol=1e-4)
        np.testing.assert_allclose(mujoco[name].quaternion, bullet[name].quaternion, atol=1e-4)


def test_same_commands_lead_the_arm_along_the_same_way(both: tuple[Workcell, Workcell]) -> None:
    rng = np.random.default_rng(0)
    for cell in both:
        cell.robot.reset()
        cell.scene.arrange({"block": Pose(position=np.array([0.2, 0.4, 0.02]))})
    for _ in range(20):
        here = both[0].robot.observe().target.tool
        assert here is not None
        target = Target(
            tool=Pose(
                position=np.add(here.position, (*rng.uniform(-0.02, 0.03, 2), 0)), quaternion=DOWN
            )
        )
        sent = [cell.robot.command(target).tool for cell in both]
        for cell in both:
            cell.robot.advance()
        assert sent[0] is not None and sent[1] is not None
        np.testing.assert_array_equal(sent[0].position, sent[1].position)
        np.testing.assert_allclose(tip(both[0]).position, tip(both[1]).position, atol=1e-3)


def test_block_is_pushed_to_the_same_place(both: tuple[Workcell, Workcell]) -> None:
    """Straight ahead, so that nothing depends on how it slips."""
    for cell in both:
        cell.robot.reset(Target(tool=Pose(position=np.array([0.4, -0.3, 0.01]), quaternion=DOWN)))
        cell.scene.arrange({"block": Pose(position=np.array([0.4, -0.25, 0.02]))})
        for step in range(1, 13):
            place = np.array([0.4, -0.3 + 0.01 * step, 0.01])
            cell.robot.command(Target(tool=Pose(position=place, quaternion=DOWN)))
            cell.robot.advance()
    mujoco, bullet = (poses(cell)["block"].position for cell in both)
    np.testing.assert_allclose(mujoco[:2], [0.4, -0.158], atol=3e-3)
    np.testing.assert_allclose(bullet[:2], [0.4, -0.158], atol=3e-3)


def pixels(spec: CameraSpec, points: Float64) -> Float64:
    """Where points (N, 3) [m] are seen, (N, 2) right and down [px], by the pinhole's equations."""
    turn = geometry.rotation(np.array(spec.quaternion))
    x, y, z = turn.inv().apply(points - np.array(spec.position)).T
    return np.stack([spec.cx + spec.fx * x / z, spec.cy + spec.fy * y / z], axis=1)


def red(image: UInt8) -> Bool:
    parts: NDArray[np.int64] = image.astype(np.int64)
    seen: Bool = (parts[..., 0] > 1.5 * parts[..., 1]) & (parts[..., 0] > 90)
    return seen


@pytest.mark.parametrize("x, y", [(0.3, -0.3), (0.5, -0.05), (0.4, 0.3)])
def test_block_is_seen_where_the_pinhole_puts_it(
    both: tuple[Workcell, Workcell], x: float, y: float
) -> None:
    corners = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]) * 0.02
    seen = []
    for cell in both:
        cell.robot.reset()
        cell.scene.arrange({"block": Pose(position=np.array([x, y, 0.02]))})
        expected = pixels(cell.cameras["front"].spec, corners + np.array([x, y, 0.02]))
        seen.append(red(cell.cameras["front"].read().image))
        rows, columns = np.nonzero(seen[-1])
        found = [columns.min(), columns.max() + 1, rows.min(), rows.max() + 1]
        wanted = [*expected[:, 0], *expected[:, 1]]
        edges = [min(wanted[:8]), max(wanted[:8]), min(wanted[8:]), max(wanted[8:])]
        np.testing.assert_allclose(found, edges, atol=1.0)
    overlap = (seen[0] & seen[1]).sum() / (seen[0] | seen[1]).sum()
    assert overlap > 0.85


def test_arm_looks_alike(both: tuple[Workcell, Workcell]) -> None:
    """Lights differ; what is bright and what is dark does not."""
    images = []
    for cell in both:
        cell.robot.reset()
        images.append(cell.cameras["front"].read().image.astype(float))
    assert np.abs(images[0] - images[1]).mean() < 12
    assert np.corrcoef(images[0].ravel(), images[1].ravel())[0, 1] > 0.95


@pytest.mark.parametrize("simulator", [mujoco_sim, bullet_sim], ids=["mujoco", "pybullet"])
def test_depth_is_that_of_the_board_along_the_optical_axis(simulator: Any) -> None:
    task = make_task("insert")
    scene = task.scene  # type: ignore[attr-defined]
    measured = dataclasses.replace(
        scene, cameras=tuple(dataclasses.replace(spec, depth=True) for spec in scene.cameras)
    )
    workcell = simulator.make_workcell(SimpleNamespace(scene=measured), cameras=True)
    try:
        workcell.robot.reset()
        camera = workcell.cameras["front"]
        frame, spec = camera.read(), camera.spec
        assert frame.depth.shape == frame.image.shape[:2] and frame.depth.dtype == np.float32
        turn = geometry.rotation(np.array(spec.quaternion))
        for row, column in ((150, 160), (170, 40), (60, 160)):
            ray = [(column + 0.5 - spec.cx) / spec.fx, (row + 0.5 - spec.cy) / spec.fy, 1.0]
            point = turn.apply(frame.depth[row, column] * np.array(ray)) + spec.position
            assert point[2] == pytest.approx(0.001, abs=2e-4), "the board's upper side"
    finally:
        workcell.close()


@pytest.mark.parametrize("simulator", [mujoco_sim, bullet_sim], ids=["mujoco", "pybullet"])
def test_arm_with_its_wrist_turned_over_holds_rather_than_leave_the_workspace(
    simulator: Any,
) -> None:
    workcell = simulator.make_workcell(make_task("sort"), cameras=False)
    robot = workcell.robot
    robot.reset()
    for turn in ([0.0] * 6, [0.0, -0.46875, -0.5, 0.5, 0.0, 0.0], [0.0] * 6, [0.0] * 6):
        robot.command(Target(joints=robot.observe().joints + np.array(turn)))
        robot.advance()
        place = robot.observe().tool.position
        strayed = np.maximum(robot.limits.lower - place, place - robot.limits.upper).max()
        assert strayed < 0.006
    workcell.close()


LAG = 0.03


@pytest.fixture(params=[mujoco_sim, bullet_sim], ids=["mujoco", "pybullet"])
def late(request: pytest.FixtureRequest) -> Iterator[Workcell]:
    cell = request.param.make_workcell(Push(), cameras=False)
    cell.variable.vary({"arm.lag": LAG})
    yield cell
    cell.close()


def pushed_along(cell: Workcell, step: float, periods: int) -> Float64:
    """How far the tip is behind what was commanded after every period, in y, (periods,) [m]."""
    behind = []
    for _ in range(periods):
        target = cell.robot.observe().target.tool
        assert target is not None
        there = Pose(
            position=target.position + np.array([0.0, step, 0.0]), quaternion=target.quaternion
        )
        cell.robot.command(Target(tool=there))
        cell.robot.advance()
        behind.append(there.position[1] - tip(cell).position[1])
    return np.array(behind)


def test_an_arm_that_lags_is_where_it_was_to_be_so_much_earlier(late: Workcell) -> None:
    period = late.robot.limits.control_period
    late.robot.reset()
    behind = pushed_along(late, 0.005, 4)
    np.testing.assert_allclose(behind, 0.005 * LAG / period, atol=5e-5)
    assert abs(pushed_along(late, 0.0, 1)[0]) < 5e-5  # and it gets there


def test_an_arm_that_lags_goes_on_from_a_saved_state_bit_for_bit(late: Workcell) -> None:
    assert late.simulation is not None
    late.robot.reset()
    pushed_along(late, 0.005, 2)
    saved = late.simulation.save()
    first = pushed_along(late, 0.003, 3)
    late.simulation.restore(saved)
    np.testing.assert_array_equal(pushed_along(late, 0.003, 3), first)


def test_an_arm_that_lags_counts_its_states_like_any_other(late: Workcell) -> None:
    world: Any = late.simulation
    late.robot.reset()
    before = world.instant
    pushed_along(late, 0.005, 3)
    assert world.instant == before + 3
    assert world.time == pytest.approx(3 * late.robot.limits.control_period)
