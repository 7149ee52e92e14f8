"""The PyBullet workcell: an arm that goes where it is told, and a world that is its numbers and nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trials import trials

from ibc_gym import geometry
from ibc_gym.contracts import Workcell
from ibc_gym.envs.scene_spec import Body, SceneSpec, Shape
from ibc_gym.envs.simulators.bullet_robot import BulletRobot
from ibc_gym.envs.simulators.bullet_sim import BulletScene, make_workcell
from ibc_gym.envs.simulators.bullet_world import BulletWorld
from ibc_gym.envs.tasks.push import Push
from ibc_gym.errors import SpecMismatch
from ibc_gym.kinematics import DOWN
from ibc_gym.records import Float64, Layout, Pose, Target

HOME = np.array([0.3, -0.4, 0.01])
ASIDE = {"block": Pose(position=np.array([0.2, 0.4, 0.02]))}
"""A layout with the block out of the way."""
CUBE = Shape(kind="box", size=(0.04, 0.04, 0.04))
TEE = Body(
    name="tee",
    motion="free",
    mass=0.02,
    shapes=(
        Shape(kind="box", size=(0.06, 0.02, 0.04)),
        Shape(kind="box", size=(0.02, 0.04, 0.04), position=(0.0, 0.03, 0.0)),
        Shape(kind="cylinder", size=(0.01, 0.04), position=(0.02, 0.02, 0.0)),
    ),
)


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
    pose = cell.robot.observe().tool
    assert pose is not None
    return pose


def where(cell: Workcell, name: str = "block") -> Pose:
    poses = cell.scene.poses()
    assert poses is not None
    return poses[name]


def test_link_frames_of_the_loaded_arm_are_those_of_our_kinematics() -> None:
    """Ours are held to the vendor's Denavit-Hartenberg table."""
    world = BulletWorld(Push().scene)
    kinematics = world.following.kinematics
    rng = np.random.default_rng(0)
    for _ in range(30):
        world.joints[:] = rng.uniform(kinematics.lower, kinematics.upper)
        world.changed()
        found, wanted = world.tool(), kinematics.forward(world.joints)
        np.testing.assert_allclose(found.position, wanted.position, atol=1e-7)
        assert abs(found.quaternion @ wanted.quaternion) == pytest.approx(1.0, abs=1e-9)
    world.close()


def test_loaded_arm_weighs_what_its_table_says() -> None:
    world = BulletWorld(Push().scene)
    for link in range(6):
        mass, _, diagonal, *_ = world.client.getDynamicsInfo(world.built.arm, link)
        assert mass > 0 and min(diagonal) > 1e-6  # an impossible inertia would be dropped
    world.close()


def test_tip_is_where_it_was_commanded_when_the_period_ends(cell: Workcell) -> None:
    rng = np.random.default_rng(0)
    position = np.array([0.4, -0.1, 0.01])
    for _ in range(6):
        go(cell, position)
    for _ in range(60):
        position[:2] = np.clip(
            position[:2] + rng.uniform(-0.02, 0.02, 2), [0.25, -0.35], [0.5, 0.35]
        )
        pose = go(cell, position.copy())
        np.testing.assert_allclose(pose.position, position, atol=1e-4)
        tilt = 2 * np.arccos(min(1.0, abs(float(pose.quaternion @ DOWN))))
        assert tilt < np.radians(0.05)


def test_tip_moves_evenly_towards_its_target(cell: Workcell) -> None:
    places = [
        go(cell, HOME + np.array([0.0, 0.02 * step, 0.0])).position[1] for step in range(1, 11)
    ]
    np.testing.assert_allclose(np.diff(places), 0.02, atol=2e-4)


STEP = st.floats(-0.1, 0.1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=trials(15))
@given(st.lists(st.tuples(STEP, STEP, STEP), min_size=1, max_size=10))
def test_tip_never_leaves_the_workspace_whatever_is_commanded(
    cell: Workcell, steps: list[tuple[float, float, float]]
) -> None:
    cell.robot.reset()
    lower, upper = np.array(cell.robot.limits.lower), np.array(cell.robot.limits.upper)
    sent = cell.robot.observe().target.tool
    for step in steps:
        assert sent is not None
        sent = cell.robot.command(at(sent.position + np.array(step))).tool
        cell.robot.advance()
        measured = cell.robot.observe().tool
        assert measured is not None
        assert (measured.position >= lower - 0.005).all()
        assert (measured.position <= upper + 0.005).all()


def test_stopped_arm_stands_still_until_the_reset(cell: Workcell) -> None:
    go(cell, HOME + np.array([0.05, 0.05, 0.0]))
    cell.robot.stop()
    stood = go(cell, HOME).position
    moved = go(cell, HOME + np.array([0.1, 0.2, 0.0])).position
    np.testing.assert_allclose(moved, stood, atol=1e-6)
    cell.robot.reset()
    np.testing.assert_allclose(go(cell, HOME + np.array([0.02, 0, 0])).position[0], 0.32, atol=1e-4)


def test_resting_block_stays_at_rest_for_five_seconds(cell: Workcell) -> None:
    for yaw in (0.0, 0.4, 2.0):
        turn = geometry.quaternion_of_yaw(yaw)
        cell.scene.arrange({"block": Pose(position=np.array([0.4, -0.2, 0.02]), quaternion=turn)})
        before = where(cell)
        for _ in range(50):
            cell.robot.advance()
        np.testing.assert_allclose(where(cell).position, before.position, atol=1e-5)
        np.testing.assert_allclose(where(cell).quaternion, before.quaternion, atol=1e-4)


def test_pushed_block_slides_ahead_of_the_pin_and_stays_on_the_table(cell: Workcell) -> None:
    cell.robot.reset(at(np.array([0.4, -0.05, 0.01])))
    cell.scene.arrange({"block": Pose(position=np.array([0.4, 0.0, 0.02]))})
    for step in range(8):
        tip = go(cell, np.array([0.4, -0.05 + 0.012 * (step + 1), 0.01])).position
        gap = where(cell).position[1] - 0.02 - 0.002 - tip[1]
        assert gap > -0.2e-3  # the pin sinks in by less than 0.2 mm
        assert abs(where(cell).position[2] - 0.02) < 0.2e-3
    assert where(cell).position[1] > 0.06


def scene(*bodies: Body) -> SceneSpec:
    return dataclasses.replace(Push().scene, name="things", bodies=bodies)


def test_frame_of_a_thing_is_its_own_and_not_that_of_its_mass() -> None:
    world = BulletWorld(scene(TEE))
    things = BulletScene(world)
    turn = geometry.quaternion_of_yaw(0.7)
    things.arrange({"tee": Pose(position=np.array([0.4, 0.1, 0.02]), quaternion=turn)})
    np.testing.assert_allclose(things.poses()["tee"].position, [0.4, 0.1, 0.02], atol=1e-4)
    np.testing.assert_allclose(things.poses()["tee"].quaternion, turn, atol=1e-4)
    world.close()


@pytest.mark.parametrize(
    "shape, height",
    [
        (CUBE, 0.02),
        (Shape(kind="cylinder", size=(0.02, 0.03)), 0.015),
        (Shape(kind="capsule", size=(0.02, 0.03), quaternion=(0.5, 0.5, 0.5, 0.5)), 0.02),
        (Shape(kind="sphere", size=(0.02,)), 0.02),
        (Shape(kind="ellipsoid", size=(0.03, 0.02, 0.015)), 0.015),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_every_kind_of_shape_comes_to_rest_on_the_table(shape: Shape, height: float) -> None:
    thing = Body(name="thing", motion="free", mass=0.05, shapes=(shape,))
    world = BulletWorld(scene(thing))
    things = BulletScene(world)
    things.arrange({"thing": Pose(position=np.array([0.4, 0.1, height]))})
    np.testing.assert_allclose(things.poses()["thing"].position, [0.4, 0.1, height], atol=6e-4)
    world.close()


def test_thing_that_is_dropped_falls_as_on_earth() -> None:
    block = Body(name="block", motion="free", mass=0.01, shapes=(CUBE,))
    world = BulletWorld(dataclasses.replace(scene(block), settle_time=0.2))
    things = BulletScene(world)
    things.arrange({"block": Pose(position=np.array([0.2, 0.4, 0.5]))})
    fallen = 0.5 - things.poses()["block"].position[2]
    assert fallen == pytest.approx(0.5 * 9.8 * 0.2**2, rel=0.03)
    world.close()


def crowd() -> SceneSpec:
    """Seven cubes close together, a thing of three shapes, a solid post that is placed, and a wall."""
    cubes = (
        Body(
            name=f"cube{k}",
            motion="free",
            mass=0.01,
            shapes=(CUBE,),
            position=(0.3 + 0.1 * k, 0.4, 0.02),
        )
        for k in range(7)
    )
    post = Body(name="post", motion="placed", shapes=(Shape(kind="box", size=(0.03, 0.03, 0.05)),))
    wall = Body(
        name="wall",
        motion="fixed",
        position=(0.45, 0.05, 0.02),
        shapes=(Shape(kind="box", size=(0.2, 0.01, 0.04)),),
    )
    return scene(*cubes, TEE, post, wall)


def crowded(rng: np.random.Generator) -> Layout:
    layout = {
        f"cube{k}": Pose(
            position=np.array([0.3 + 0.05 * (k % 3), -0.15 + 0.05 * (k // 3), 0.02])
            + np.array([*rng.uniform(-0.003, 0.003, 2), 0.0]),
            quaternion=geometry.quaternion_of_yaw(rng.uniform(-0.05, 0.05)),
        )
        for k in range(7)
    }
    layout["tee"] = Pose(position=np.array([0.5, -0.1, 0.02]))
    layout["post"] = Pose(position=np.array([0.55, -0.2, 0.025]))
    return layout


def walk(world: BulletWorld, moves: Float64) -> bytes:
    """Push about, and give all that is then known of the world."""
    robot = BulletRobot(world)
    for move in moves:
        robot.command(at(world.following.tool.position + np.array([*move, 0.0])))
        robot.advance()
    return world.save().tobytes()


def test_crowd_goes_on_bit_for_bit_in_worlds_with_other_pasts() -> None:
    """Contacts among many things, whose order PyBullet would otherwise remember."""
    rng = np.random.default_rng(0)
    one, other = BulletWorld(crowd()), BulletWorld(crowd())
    for _ in range(3):
        for world in (one, other):
            world.reset()
            BulletScene(world).arrange(crowded(rng))
            walk(world, rng.uniform(-0.03, 0.09, (8, 2)))
        saved = one.save()
        moves = rng.uniform(-0.08, 0.08, (5, 2))
        ahead = walk(one, moves)
        fresh = BulletWorld(crowd())
        for world in (one, other, fresh):
            world.restore(saved)
            assert world.save().tobytes() == saved.tobytes()
            assert walk(world, moves) == ahead
        fresh.close()
    one.close()
    other.close()


def test_what_is_placed_or_fixed_is_moved_by_nothing() -> None:
    rng = np.random.default_rng(1)
    world = BulletWorld(crowd())
    things = BulletScene(world)
    layout = crowded(rng)
    things.arrange(layout)
    before = things.poses()
    walk(world, np.array([[0.0, 0.04]] * 8))
    after = things.poses()
    np.testing.assert_array_equal(after["post"].position, layout["post"].position)
    assert max(np.abs(after[name].position - before[name].position).max() for name in after) > 0.02
    assert "wall" not in after
    world.close()


def test_penetration_is_watched_where_the_scene_asks_for_it() -> None:
    scenes = (scene(TEE), dataclasses.replace(scene(TEE), watch_contacts=True))
    depths = []
    for spec in scenes:
        world = BulletWorld(spec)
        BulletScene(world).arrange({"tee": Pose(position=np.array([0.3, -0.36, 0.02]))})
        assert world.penetration == 0.0
        walk(world, np.array([[0.0, 0.02]] * 3))
        depths.append(world.penetration)
        world.close()
    assert depths[0] == 0.0
    assert 1e-6 < depths[1] < 1e-3


def test_control_period_is_divided_into_equal_steps() -> None:
    for rate, substeps in ((10.0, 24), (5.0, 48), (7.0, 35)):
        world = BulletWorld(Push(Push.Config(control_rate=rate)).scene)
        assert world.substeps == substeps
        assert world.substeps * world.time_step == pytest.approx(1 / rate)
        world.close()


def test_state_of_another_scene_is_refused(cell: Workcell) -> None:
    assert cell.simulation is not None
    with pytest.raises(SpecMismatch, match="was not saved by scene 'push' in PyBullet"):
        cell.simulation.restore(np.zeros(3))


@pytest.mark.parametrize("name, place", [("cube", 0.0), ("block", np.nan)])
def test_layout_that_makes_no_sense_is_refused(cell: Workcell, name: str, place: float) -> None:
    with pytest.raises(SpecMismatch, match=r"finite|no movable body 'cube'; it has target, block"):
        cell.scene.arrange({name: Pose(position=np.full(3, place))})
