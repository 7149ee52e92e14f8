"""The MuJoCo workcell: an arm that goes where it is told, and things that stay where they are put."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trials import trials

from ibc_gym import geometry
from ibc_gym.contracts import Workcell
from ibc_gym.envs.scene_spec import SceneSpec
from ibc_gym.envs.simulators.mujoco_sim import MujocoScene, make_workcell
from ibc_gym.envs.simulators.mujoco_world import MujocoWorld
from ibc_gym.envs.tasks.push import Push
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.kinematics import DOWN
from ibc_gym.records import Float64, Pose, Target

HOME = np.array([0.3, -0.4, 0.01])
ASIDE = {"block": Pose(position=np.array([0.2, 0.4, 0.02]))}
"""A layout with the block out of the way."""
OVERSHOOT = 0.005
"""By how much an arm at its speed limit may pass its set-point [m]."""


@pytest.fixture(scope="module")
def built() -> Iterator[Workcell]:
    workcell = make_workcell(Push(), cameras=False)
    yield workcell
    workcell.close()


@pytest.fixture
def cell(built: Workcell) -> Workcell:
    built.robot.reset()
    built.scene.arrange(ASIDE)
    return built


def at(position: Float64) -> Target:
    return Target(tool=Pose(position=position, quaternion=DOWN))


def go(cell: Workcell, position: Float64) -> Pose:
    """Command a tip position, let a period pass, and look where the tip is."""
    cell.robot.command(at(position))
    cell.robot.advance()
    return tip(cell)


def tip(cell: Workcell) -> Pose:
    pose = cell.robot.observe().tool
    assert pose is not None
    return pose


def test_tip_is_where_it_was_commanded_when_the_period_ends(cell: Workcell) -> None:
    rng = np.random.default_rng(0)
    position = np.array([0.4, -0.1, 0.01])
    for _ in range(6):
        go(cell, position)
    for _ in range(100):
        position[:2] = np.clip(
            position[:2] + rng.uniform(-0.02, 0.02, 2), [0.25, -0.35], [0.5, 0.35]
        )
        pose = go(cell, position.copy())
        np.testing.assert_allclose(pose.position[:2], position[:2], atol=1e-3)
        assert pose.position[2] == pytest.approx(0.01, abs=0.5e-3)
        tilt = 2 * np.arccos(min(1.0, abs(float(pose.quaternion @ DOWN))))
        assert tilt < np.radians(0.2)


def test_tip_moves_evenly_towards_its_target(cell: Workcell) -> None:
    """Equal commands make equal steps from the first on: the servos have no lag to catch up with."""
    places = [
        go(cell, HOME + np.array([0.0, 0.02 * step, 0.0])).position[1] for step in range(1, 11)
    ]
    np.testing.assert_allclose(np.diff(places), 0.02, atol=5e-4)


STEP = st.floats(-0.1, 0.1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=trials(20))
@given(st.lists(st.tuples(STEP, STEP, STEP), min_size=1, max_size=12))
def test_tip_never_leaves_the_workspace_whatever_is_commanded(
    cell: Workcell, steps: list[tuple[float, float, float]]
) -> None:
    cell.robot.reset()
    lower, upper = np.array(cell.robot.limits.lower), np.array(cell.robot.limits.upper)
    sent = cell.robot.observe().target.tool
    for step in steps:
        assert sent is not None
        sent = cell.robot.command(at(sent.position + np.array(step))).tool
        assert sent is not None
        assert (sent.position >= lower).all() and (sent.position <= upper).all()
        cell.robot.advance()
        measured = tip(cell).position
        assert (measured >= lower - OVERSHOOT).all() and (measured <= upper + OVERSHOOT).all()


def test_target_beyond_the_workspace_counts_as_an_intervention(cell: Workcell) -> None:
    assert cell.robot.command(at(HOME)).tool is not None
    assert cell.robot.observe().interventions == 0
    sent = cell.robot.command(at(np.array([0.4, 0.9, 0.01]))).tool
    assert sent is not None
    np.testing.assert_array_equal(sent.position, [0.4, 0.5, 0.01])
    assert cell.robot.observe().interventions == 1


def test_corner_out_of_the_arms_reach_is_approached_along_its_bearing(cell: Workcell) -> None:
    sent = cell.robot.command(at(np.array([0.7, 0.5, 0.01]))).tool
    assert sent is not None
    assert sent.position[1] / sent.position[0] == pytest.approx(0.5 / 0.7)
    assert 0.68 < np.hypot(*sent.position[:2]) < 0.72


def test_joint_target_within_the_workspace_is_followed_as_it_is(cell: Workcell) -> None:
    joints = cell.robot.observe().joints + np.array([0.02, 0, 0, 0, 0, 0.1])
    sent = cell.robot.command(Target(joints=joints)).joints
    assert sent is not None
    np.testing.assert_array_equal(sent, joints)
    cell.robot.advance()
    np.testing.assert_allclose(cell.robot.observe().joints, joints, atol=2e-3)


def test_joint_target_that_leaves_the_workspace_is_brought_back(cell: Workcell) -> None:
    joints = cell.robot.observe().joints + np.array([0, -0.3, 0, 0, 0.3, 0])
    cell.robot.command(Target(joints=joints))
    assert cell.robot.observe().interventions == 1
    cell.robot.advance()
    assert tip(cell).position[2] == pytest.approx(0.01, abs=2e-3)


def test_pose_that_cannot_be_reached_leaves_the_target_in_force(cell: Workcell) -> None:
    before = cell.robot.observe().target.tool
    upwards = Pose(position=np.array([0.65, 0.0, 0.01]), quaternion=np.array([1.0, 0, 0, 0]))
    sent = cell.robot.command(Target(tool=upwards)).tool
    assert before is not None and sent is not None
    np.testing.assert_array_equal(sent.position, before.position)


@pytest.mark.parametrize(
    "target",
    [
        Target(),
        Target(joints=np.zeros(6), tool=Pose(position=HOME)),
        Target(joints=np.zeros(7)),
        Target(joints=np.full(6, np.nan)),
        at(np.array([0.4, np.inf, 0.01])),
        at(np.array([0.4, 0.1])),
    ],
)
def test_senseless_target_is_refused_and_nothing_moves(cell: Workcell, target: Target) -> None:
    before = cell.robot.observe().target.tool
    with pytest.raises(SpecMismatch, match="nothing was sent"):
        cell.robot.command(target)
    assert cell.robot.observe().target.tool is before


def test_stopped_arm_stands_still_until_the_reset(cell: Workcell) -> None:
    go(cell, HOME + np.array([0.05, 0.05, 0.0]))
    cell.robot.stop()
    cell.robot.advance()
    stood = tip(cell).position
    moved = go(cell, HOME + np.array([0.1, 0.2, 0.0])).position
    np.testing.assert_allclose(moved, stood, atol=1e-4)
    cell.robot.reset()
    np.testing.assert_allclose(go(cell, HOME + np.array([0.02, 0, 0])).position[0], 0.32, atol=1e-3)


def test_reset_to_another_home_places_the_arm_there(cell: Workcell) -> None:
    cell.robot.reset(at(np.array([0.45, 0.1, 0.01])))
    np.testing.assert_allclose(tip(cell).position, [0.45, 0.1, 0.01], atol=1e-9)
    assert np.abs(cell.robot.observe().joint_velocities).max() == 0.0


def test_things_stand_where_they_were_put(cell: Workcell) -> None:
    yaw = geometry.quaternion_of_yaw(1.0)
    layout = {
        "block": Pose(position=np.array([0.45, -0.1, 0.02]), quaternion=yaw),
        "target": Pose(position=np.array([0.35, 0.25, 0.0]), quaternion=yaw),
    }
    cell.scene.arrange(layout)
    poses = cell.scene.poses()
    assert poses is not None
    assert set(poses) == {"block", "target"}
    for name, pose in layout.items():
        np.testing.assert_allclose(poses[name].position, pose.position, atol=1e-5)
        np.testing.assert_allclose(poses[name].quaternion, pose.quaternion, atol=1e-5)


def test_resting_block_stays_at_rest_for_five_seconds(cell: Workcell) -> None:
    before = cell.scene.poses()
    for _ in range(50):
        cell.robot.advance()
    after = cell.scene.poses()
    assert before is not None and after is not None
    np.testing.assert_allclose(after["block"].position, before["block"].position, atol=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_block_that_was_kicked_comes_to_rest(seed: int) -> None:
    """Contacts that are too stiff for the time step let a rocking block walk about for ever."""
    world = MujocoWorld(Push().scene)
    rng = np.random.default_rng(seed)
    world.data.qvel[6:] = rng.uniform(-1, 1, 6) * [0.4, 0.4, 0.05, 3, 3, 15]
    world.step(300)
    assert np.abs(world.data.qvel[6:]).max() < 1e-4


def test_pushed_block_slides_ahead_of_the_pin_and_stays_on_the_table(cell: Workcell) -> None:
    pushed = Pose(position=np.array([0.4, 0.0, 0.02]))
    cell.robot.reset(at(np.array([0.4, -0.05, 0.01])))
    cell.scene.arrange({"block": pushed})
    for step in range(8):
        go(cell, np.array([0.4, -0.05 + 0.012 * (step + 1), 0.01]))
        poses = cell.scene.poses()
        assert poses is not None
        gap = poses["block"].position[1] - 0.02 - 0.002 - tip(cell).position[1]
        assert gap > -0.4e-3  # the pin sinks in by less than 0.4 mm
        assert abs(poses["block"].position[2] - 0.02) < 0.5e-3
    assert poses is not None and poses["block"].position[1] > 0.06


def test_thing_that_is_dropped_falls_as_on_earth_unless_the_scene_says_otherwise() -> None:
    spec = Push().scene
    plain = SceneSpec(
        name="drop",
        control_period=0.1,
        tool=spec.tool,
        home=spec.home,
        workspace_lower=spec.workspace_lower,
        workspace_upper=spec.workspace_upper,
        bodies=spec.bodies,
        settle_time=0.2,
    )
    for scene, gravity in ((plain, 9.81), (dataclasses.replace(plain, gravity=1.62), 1.62)):
        dropped = MujocoScene(MujocoWorld(scene))
        dropped.arrange({"block": Pose(position=np.array([0.2, 0.4, 0.5]))})
        fallen = 0.5 - dropped.poses()["block"].position[2]
        assert fallen == pytest.approx(0.5 * gravity * 0.2**2, rel=0.02)


def test_unknown_thing_is_refused_with_those_that_there_are(cell: Workcell) -> None:
    with pytest.raises(SpecMismatch, match="no movable body 'cube'; it has target, block"):
        cell.scene.arrange({"cube": Pose(position=np.zeros(3))})


def test_pose_that_is_not_finite_is_refused(cell: Workcell) -> None:
    with pytest.raises(SpecMismatch, match="finite"):
        cell.scene.arrange({"block": Pose(position=np.array([0.4, np.nan, 0.0]))})


def test_restored_world_goes_on_bit_for_bit(cell: Workcell) -> None:
    assert cell.simulation is not None
    cell.scene.arrange({"block": Pose(position=np.array([0.35, -0.35, 0.02]))})
    go(cell, HOME + np.array([0.03, 0.03, 0.0]))
    saved = cell.simulation.save()
    first = _walk(cell)
    other = make_workcell(Push(), cameras=False)
    for world in (cell, other):
        assert world.simulation is not None
        world.simulation.restore(saved)
        np.testing.assert_array_equal(world.simulation.save(), saved)
        assert _walk(world) == first


def _walk(cell: Workcell) -> bytes:
    """Push about from wherever the arm is, and digest all that is seen."""
    digest = hashlib.sha256()
    rng = np.random.default_rng(1)
    for _ in range(15):
        target = cell.robot.observe().target.tool
        assert target is not None and cell.simulation is not None
        go(cell, target.position + np.array([*rng.uniform(-0.01, 0.02, 2), 0.0]))
        digest.update(cell.simulation.save().tobytes())
    return digest.digest()


def test_state_of_another_scene_is_refused(cell: Workcell) -> None:
    assert cell.simulation is not None
    with pytest.raises(SpecMismatch, match="was not saved by scene 'push'"):
        cell.simulation.restore(np.zeros(3))


def test_control_period_must_be_whole_physics_steps() -> None:
    scene = Push().scene
    uneven = dataclasses.replace(scene.mujoco, time_step=0.003)
    with pytest.raises(ConfigError, match="whole number"):
        MujocoWorld(dataclasses.replace(scene, mujoco=uneven))


def test_states_need_no_opengl() -> None:
    code = (
        "import sys, ibc_gym; env = ibc_gym.make_env('push'); env.reset(seed=0); "
        "env.step(env.action_space.sample()); print([n for n in ('OpenGL', 'glfw') if n in sys.modules])"
    )
    clean = {"PATH": "", "MUJOCO_GL": "disabled"}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=clean, check=True
    )
    assert result.stdout.strip() == "[]"
