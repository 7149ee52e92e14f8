"""What every scene keeps: `ibc_gym.contracts.Scene`, as tests."""

from __future__ import annotations

from math import ceil, pi
from typing import ClassVar

import numpy as np
from hypothesis.strategies import SearchStrategy

from ibc_gym import geometry
from ibc_gym.contracts import Workcell
from ibc_gym.errors import SpecMismatch
from ibc_gym.records import Layout, Pose, Start
from ibc_gym.testing.bits import flat
from ibc_gym.testing.contract import Contract, refuses, rule


class SceneContract(Contract[Workcell]):
    """Subclass it and say in `make` how the workcell is made that has the scene, in `starts` how episodes begin there."""

    place_tolerance: ClassVar[float] = 1e-3
    """How near to where it was put a thing must stand [m]."""
    turn_tolerance: ClassVar[float] = 0.01
    """By how much it may be turned from how it was put [rad]."""
    rest_time: ClassVar[float] = 5.0
    """For so long a resting scene is looked at [s]."""
    rest_tolerance: ClassVar[float] = 1e-4
    """How far a thing may move meanwhile [m]."""
    examples: ClassVar[int] = 5

    def starts(self) -> SearchStrategy[Start]:
        """How episodes may begin: `strategies.starts(task)`."""
        raise NotImplementedError(f"{type(self).__name__}.starts must say how episodes begin.")

    def begin(self, start: Start) -> Layout:
        """Reset the shared workcell to a start, and see where the things are."""
        self.shared.robot.reset(start.home)
        self.shared.scene.arrange(start.layout)
        poses = self.shared.scene.poses()
        assert poses is not None, "a scene that measures no poses cannot be tested by them"
        return poses

    @rule("Scene.arrange")
    def test_everything_stands_where_it_was_put(self) -> None:
        """`arrange` puts every named thing in its place, and it comes to rest there."""

        @self.for_all(self.starts())
        def check(start: Start) -> None:
            poses = self.begin(start)
            for name, asked in start.layout.items():
                off = np.abs(poses[name].position - asked.position)[:2].max()
                assert off <= self.place_tolerance, f"{name} stands {off} m off"
                if asked.position.shape == (3,):
                    turn = turned(asked, poses[name])
                    assert turn <= self.turn_tolerance, f"{name} is turned by {turn} rad"

    @rule("Scene.poses")
    def test_poses_are_finite_and_always_of_the_same_things(self) -> None:
        """`poses` names the same things in the same order all along, with finite positions and unit quaternions."""
        names: list[list[str]] = []

        @self.for_all(self.starts())
        def check(start: Start) -> None:
            poses = self.begin(start)
            names.append(list(poses))
            for pose in poses.values():
                assert np.isfinite(pose.position).all()
                assert abs(np.linalg.norm(pose.quaternion) - 1) < 1e-6

        assert all(each == names[0] for each in names)

    @rule("Scene.arrange")
    def test_scene_can_be_arranged_anew_whatever_was_before(self) -> None:
        """The same layout after a reset gives the same scene again, whatever stood there before."""

        @self.for_all(self.starts(), self.starts())
        def check(start: Start, other: Start) -> None:
            first = self.begin(start)
            self.begin(other)
            again = self.begin(start)
            for name in first:
                assert distance(first[name], again[name]) <= self.rest_tolerance, name

    @rule("Scene.arrange")
    def test_resting_scene_stays_at_rest(self) -> None:
        """With a robot that stands still, nothing moves: 0.1 mm in 5 s."""
        robot, scene = self.shared.robot, self.shared.scene
        periods = ceil(self.rest_time / robot.limits.control_period)

        @self.for_all(self.starts(), share=0.5)
        def check(start: Start) -> None:
            before = self.begin(start)
            for _ in range(periods):
                robot.advance()
            after = scene.poses()
            assert after is not None
            for name in before:
                crept = distance(before[name], after[name])
                assert crept <= self.rest_tolerance, f"{name} crept by {crept} m"

    @rule("Scene.poses")
    def test_poses_that_were_returned_are_never_changed(self) -> None:
        """What `poses` returned stays as it was, whatever happens later."""
        poses = self.begin(self._some_start())
        kept = flat(poses)
        self.shared.robot.advance()
        self.shared.scene.poses()
        assert flat(poses) == kept
        self.begin(self._some_start())
        assert flat(poses) == kept

    @rule("Scene.arrange")
    def test_layout_that_makes_no_sense_is_refused(self) -> None:
        """A thing that is not there, and a pose that is not finite, raise SpecMismatch."""
        layout = self._some_start().layout
        name, pose = next(iter(layout.items()))
        lost = Pose(position=pose.position * np.nan, quaternion=pose.quaternion)
        for what, wrong in {
            "a thing that nobody has": {**layout, "no such thing": pose},
            "a place that is not finite": {**layout, name: lost},
        }.items():
            refuses(SpecMismatch, f"A layout, {what},", self.shared.scene.arrange, wrong)

    @rule("Scene.verdict")
    def test_verdict_is_yes_or_no_or_none(self) -> None:
        """The verdict is true, false, or None where it is the task's to judge."""
        self.begin(self._some_start())
        assert self.shared.scene.verdict() in (True, False, None)

    def _some_start(self) -> Start:
        found: list[Start] = []

        @self.for_all(self.starts())
        def _(start: Start) -> None:
            found.append(start)

        return found[0]


def distance(one: Pose, other: Pose) -> float:
    """Between two positions [m]."""
    return float(np.linalg.norm(one.position - other.position))


def turned(one: Pose, other: Pose) -> float:
    """The angle between two orientations, in [0, pi] [rad]."""
    turn = geometry.rotation(one.quaternion).inv() * geometry.rotation(other.quaternion)
    return min(float(turn.magnitude()), pi)
