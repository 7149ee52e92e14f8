"""What two simulators of one scene agree on: everything that is geometry."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from hypothesis.strategies import SearchStrategy
from scipy.ndimage import binary_dilation

from ibc_gym import geometry
from ibc_gym.contracts import Workcell
from ibc_gym.records import Bool, CameraSpec, Float64, Layout, Start, UInt8
from ibc_gym.testing.contract import Contract, rule
from ibc_gym.testing.scenes import distance, turned

Pair = tuple[Workcell, Workcell]

CLEARLY, SOMEWHAT = 40, 12
"""Levels of brightness by which a pixel differs. Each simulator shades in its own manner, so what clearly differs for one
may differ only somewhat for the other."""


class AgreementContract(Contract[Pair]):
    """Subclass it and say in `make` how the two workcells are made, with cameras, and in `starts` how episodes begin."""

    examples: ClassVar[int] = 4
    tip_tolerance: ClassVar[float] = 1e-4
    """Between the two tool tips after a reset [m]."""
    turn_tolerance: ClassVar[float] = 2e-3
    """Between two orientations [rad]."""
    place_tolerance: ClassVar[float] = 5e-4
    """Between two things that were put in the same place and came to rest [m]."""
    pixel_tolerance: ClassVar[int] = 2
    """Within so many pixels of what clearly differs in the pictures of one, something must differ in those of the other."""
    overlap: ClassVar[float] = 0.95
    """The least share of what clearly differs for which that must hold."""
    sight: ClassVar[float] = 0.1
    """How far off the next such pixel may be from where a thing should be seen, which may be hollow [picture widths]."""

    def starts(self) -> SearchStrategy[Start]:
        """How episodes may begin: `strategies.starts(task)`."""
        raise NotImplementedError(f"{type(self).__name__}.starts must say how episodes begin.")

    @classmethod
    def teardown_class(cls) -> None:
        """Close both."""
        shared: Any = cls.__dict__.get("_shared")
        cls._shared = None
        for workcell in shared or ():
            workcell.close()

    @rule("Robot.limits")
    def test_limits_are_the_same(self) -> None:
        """Both robots have one workspace and one control period."""
        one, other = self.shared
        assert one.robot.limits == other.robot.limits

    @rule("Robot.reset")
    def test_tips_are_in_one_place_after_a_reset(self) -> None:
        """After a reset both tools are in one place within 0.1 mm, turned alike, with the same joints."""

        @self.for_all(self.starts())
        def check(start: Start) -> None:
            states = []
            for workcell in self.shared:
                workcell.robot.reset(start.home)
                states.append(workcell.robot.observe())
            one, other = states
            assert np.abs(one.joints - other.joints).max() <= self.turn_tolerance
            if one.tool is not None and other.tool is not None:
                assert distance(one.tool, other.tool) <= self.tip_tolerance
                assert turned(one.tool, other.tool) <= self.turn_tolerance

    @rule("Scene.arrange")
    def test_things_stand_in_one_place(self) -> None:
        """The same layout puts the same things, named in the same order, in the same places."""

        @self.for_all(self.starts())
        def check(start: Start) -> None:
            one, other = (arranged(workcell, start) for workcell in self.shared)
            assert list(one) == list(other)
            for name in one:
                apart = distance(one[name], other[name])
                assert apart <= self.place_tolerance, f"{name}: {apart} m apart"
                assert turned(one[name], other[name]) <= self.turn_tolerance, name

    @rule("Camera.spec")
    def test_cameras_are_the_same(self) -> None:
        """Both have the same cameras: intrinsics and poses."""
        one, other = ({n: c.spec for n, c in w.cameras.items()} for w in self.shared)
        assert one == other

    @rule("Camera.read")
    def test_things_are_seen_in_one_place(self) -> None:
        """What differs between two layouts is seen by both in one place, and where the pinhole's equations put it."""

        @self.for_all(self.starts(), self.starts())
        def check(start: Start, other: Start) -> None:
            for camera, spec in {n: c.spec for n, c in self.shared[0].cameras.items()}.items():
                seen = [pictures(each, camera, start, other) for each in self.shared]
                points = [pixel(spec, place) for place in _moved(start.layout, other.layout)]
                self._check_common(camera, seen)
                self._check_pinhole(spec, [_differing(*each, by=SOMEWHAT) for each in seen], points)

    def _check_common(self, camera: str, seen: list[list[UInt8]]) -> None:
        clear = [_differing(*pair, by=CLEARLY) for pair in seen]
        some = [_differing(*pair, by=SOMEWHAT) for pair in seen]
        for one, other in ((clear[0], some[1]), (clear[1], some[0])):
            near = binary_dilation(other, iterations=self.pixel_tolerance)
            alone = int((one & ~near).sum())
            assert alone <= (1 - self.overlap) * one.sum(), (
                f"{camera}: {alone} of the {one.sum()} pixels that differ for one do not for the other"
            )

    def _check_pinhole(self, spec: CameraSpec, masks: list[Bool], points: list[Float64]) -> None:
        for point in points:
            if not ((point > 0).all() and (point < (spec.width, spec.height)).all()):
                continue
            for mask in masks:
                off = _distance(mask, point) / spec.width
                assert off <= self.sight, (
                    f"{spec.name}: nothing differs at {point}, where the pinhole puts a thing that moved"
                )


def arranged(workcell: Workcell, start: Start) -> Layout:
    """Reset a workcell to a start; gives where the things are."""
    workcell.robot.reset(start.home)
    workcell.scene.arrange(start.layout)
    poses = workcell.scene.poses()
    assert poses is not None, "a scene that measures no poses cannot be compared"
    return poses


def pictures(workcell: Workcell, camera: str, *starts: Start) -> list[UInt8]:
    """What a camera sees of each start, (H, W, 3)."""
    seen = []
    for start in starts:
        arranged(workcell, start)
        seen.append(workcell.cameras[camera].read().image)
    return seen


def pixel(spec: CameraSpec, point: Float64) -> Float64:
    """Where a point [m] is seen: right and down from the picture's corner, (2,) [px], by the pinhole's equations."""
    turn = geometry.rotation(np.array(spec.quaternion)).inv()
    x, y, z = turn.apply(point - np.array(spec.position))
    return np.array([spec.cx + spec.fx * x / z, spec.cy + spec.fy * y / z])


def _moved(one: Layout, other: Layout) -> list[Float64]:
    """Where the things are in one layout and in the other, of those that are clearly elsewhere [m]."""
    places = [(one[name].position, other[name].position) for name in one]
    return [place for a, b in places if np.linalg.norm(a - b) > 0.02 for place in (a, b)]


def _differing(one: UInt8, other: UInt8, *, by: int) -> Bool:
    """Pixels that differ by more than so many levels, (H, W)."""
    mask: Bool = np.abs(one.astype(int) - other).max(axis=2) > by
    return mask


def _distance(mask: Bool, point: Float64) -> float:
    """From a point to the nearest pixel of a mask [px]."""
    rows, columns = np.nonzero(mask)
    if not rows.size:
        return np.inf
    return float(np.hypot(columns + 0.5 - point[0], rows + 0.5 - point[1]).min())
