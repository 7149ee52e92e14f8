"""The suite that compares two simulators catches each way in which they may differ; that ours agree, the rows show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from broken import assert_broken, assert_sound
from hypothesis.strategies import SearchStrategy

from ibc_gym.contracts import Workcell
from ibc_gym.envs.scene_spec import SceneSpec
from ibc_gym.envs.tasks.push import Push, PushConfig
from ibc_gym.records import Start
from ibc_gym.registry import make_workcell
from ibc_gym.testing import AgreementContract, strategies

TASK = Push(PushConfig(image_size=(90, 120)))


class Otherwise(Push):
    """The same task in a scene that a test changes."""

    change: Callable[[SceneSpec], SceneSpec] = staticmethod(lambda spec: spec)

    @property
    def scene(self) -> SceneSpec:
        return self.change(TASK.scene)


class Sound(AgreementContract):
    change: Any = staticmethod(lambda spec: spec)

    def make(self) -> tuple[Workcell, Workcell]:
        other = Otherwise(TASK.config)
        other.change = self.change
        one, two = (make_workcell("mujoco", task, cameras=True) for task in (TASK, other))
        return one, two

    def starts(self) -> SearchStrategy[Start]:
        return strategies.starts(TASK)


def with_camera(spec: SceneSpec, **changes: Any) -> SceneSpec:
    return replace(spec, cameras=(replace(spec.cameras[0], **changes),))


def with_block(spec: SceneSpec, **changes: Any) -> SceneSpec:
    bodies = tuple(
        replace(body, **changes) if body.name == "block" else body for body in spec.bodies
    )
    return replace(spec, bodies=bodies)


CHANGES: list[tuple[Callable[[SceneSpec], SceneSpec], str]] = [
    (
        lambda spec: replace(spec, workspace_upper=(0.5, 0.5, 0.01)),
        "test_limits_are_the_same",
    ),
    (
        lambda spec: replace(spec, home=(0.31, -0.4, 0.01)),
        "test_tips_are_in_one_place_after_a_reset",
    ),
    (lambda spec: with_camera(spec, fx=1.1 * spec.cameras[0].fx), "test_cameras_are_the_same"),
    (
        lambda spec: with_camera(spec, cy=spec.cameras[0].cy + 5),
        "test_things_are_seen_in_one_place",
    ),
    (
        lambda spec: with_camera(spec, position=(1.0, 0.1, 0.75)),
        "test_things_are_seen_in_one_place",
    ),
]


def test_simulator_agrees_with_itself() -> None:
    assert_sound(Sound)


@pytest.mark.parametrize("change, test", CHANGES)
def test_difference_in_geometry_is_caught(
    change: Callable[[SceneSpec], SceneSpec], test: str
) -> None:
    assert_broken(type("Broken", (Sound,), {"change": staticmethod(change)}), test)


def test_thing_that_stands_elsewhere_is_caught() -> None:
    def thicker(spec: SceneSpec) -> SceneSpec:
        (block,) = (body for body in spec.bodies if body.name == "block")
        (shape, *rest) = block.shapes
        higher = replace(shape, size=(*shape.size[:-1], 1.2 * shape.size[-1]))
        return with_block(spec, shapes=(higher, *rest))

    suite = type("Broken", (Sound,), {"change": staticmethod(thicker)})
    assert_broken(suite, "test_things_stand_in_one_place")
