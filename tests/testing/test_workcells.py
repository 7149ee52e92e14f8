"""The suites of scenes and simulated workcells catch each way to break their rules; the rows show that they pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from broken import assert_broken, assert_sound
from hypothesis.strategies import SearchStrategy

from ibc_gym.contracts import Workcell
from ibc_gym.records import Float64, Frame, Layout, Pose, Start
from ibc_gym.registry import make_task, make_workcell
from ibc_gym.testing import WorkcellContract, strategies

TASK = make_task("particle")


class Within:
    """Part of a workcell that does as the part within, but for what a subclass does."""

    def __init__(self, inner: Any, workcell: Workcell) -> None:
        self.inner, self.workcell = inner, workcell

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Sound(WorkcellContract):
    parts: dict[str, type[Within]] = {}  # noqa: RUF012 - replaced as a whole

    def make(self) -> Workcell:
        sound = make_workcell("particle", TASK, cameras=True)
        others: dict[str, Any] = {
            name: kind(getattr(sound, name), sound) for name, kind in self.parts.items()
        }
        return replace(sound, **others)

    def starts(self) -> SearchStrategy[Start]:
        return strategies.starts(TASK)


def elsewhere(layout: Layout, change: Callable[[Float64], Float64]) -> Layout:
    return {name: replace(pose, position=change(pose.position)) for name, pose in layout.items()}


class Imprecise(Within):
    def arrange(self, layout: Layout) -> None:
        self.inner.arrange(elsewhere(layout, lambda position: position + 0.002))


class Creeping(Within):
    def poses(self) -> Layout:
        time = self.workcell.robot.observe().time
        return elsewhere(self.inner.poses(), lambda position: position + 0.0001 * time)


class Forgetful(Within):
    calls = 0

    def poses(self) -> Layout:
        self.calls += 1
        poses = dict(self.inner.poses())
        return poses if self.calls % 2 else dict(list(poses.items())[:1])


class Loose(Within):
    """What stood there before leaves its mark."""

    mark = 0.0

    def arrange(self, layout: Layout) -> None:
        self.inner.arrange(elsewhere(layout, lambda position: position + self.mark))
        self.mark = 0.0005 * float(next(iter(layout.values())).position[0])


class OneArray(Within):
    array: Float64 | None = None

    def poses(self) -> Layout:
        poses = dict(self.inner.poses())
        name, pose = next(iter(poses.items()))
        if self.array is None:
            self.array = pose.position.copy()
        self.array[:] = pose.position + self.workcell.robot.observe().time
        return {**poses, name: Pose(position=self.array)}


class TakesAnything(Within):
    def arrange(self, layout: Layout) -> None:
        known = self.inner.poses()
        self.inner.arrange(
            {
                name: layout[name] if np.isfinite(layout[name].position).all() else known[name]
                for name in known
            }
        )


class Undecided(Within):
    def verdict(self) -> Any:
        return "perhaps"


class LeavesOut(Within):
    """The velocity is not saved."""

    def save(self) -> Float64:
        saved: Float64 = self.inner.save()
        saved[2:4] = 0.0
        return saved

    def restore(self, state: Float64) -> None:
        self.inner.restore(state)


class RestoresAnything(Within):
    def save(self) -> Float64:
        saved: Float64 = self.inner.save()
        return saved

    def restore(self, state: Float64) -> None:
        size = 2 * ((len(state) - 2) // 2) + 2
        self.inner.restore(state[:size])


class Shoving(Within):
    """Looking moves the point."""

    def __getitem__(self, name: str) -> Any:
        return self.inner[name]

    def items(self) -> Any:
        return [(name, _Shove(camera, self.workcell)) for name, camera in self.inner.items()]

    def values(self) -> Any:
        return [camera for _, camera in self.items()]


class _Shove(Within):
    def read(self) -> Frame:
        self.workcell.robot.advance()
        frame: Frame = self.inner.read()
        return replace(frame, time=frame.time - 0.05)


def test_workcell_that_keeps_the_contract_passes() -> None:
    assert_sound(Sound)


@pytest.mark.parametrize(
    "part, kind, test",
    [
        ("scene", Imprecise, "test_everything_stands_where_it_was_put"),
        ("scene", Creeping, "test_resting_scene_stays_at_rest"),
        ("scene", Forgetful, "test_poses_are_finite_and_always_of_the_same_things"),
        ("scene", Loose, "test_scene_can_be_arranged_anew_whatever_was_before"),
        ("scene", OneArray, "test_poses_that_were_returned_are_never_changed"),
        ("scene", TakesAnything, "test_layout_that_makes_no_sense_is_refused"),
        ("scene", Undecided, "test_verdict_is_yes_or_no_or_none"),
        ("simulation", LeavesOut, "test_restored_state_goes_on_bit_for_bit"),
        ("simulation", RestoresAnything, "test_state_of_another_world_is_refused"),
        ("cameras", Shoving, "test_looking_does_not_change_the_world"),
        ("cameras", Shoving, "test_cameras_and_robot_have_one_clock"),
    ],
)
def test_workcell_that_breaks_a_rule_is_caught(part: str, kind: type[Within], test: str) -> None:
    assert_broken(type("Broken", (Sound,), {"parts": {part: kind}}), test)
