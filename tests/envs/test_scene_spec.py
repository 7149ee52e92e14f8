"""A scene as data refuses what no simulator could build."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ibc_gym.envs.scene_spec import Body, BulletSettings, SceneSpec, Shape
from ibc_gym.envs.tasks.push import Push
from ibc_gym.errors import ConfigError

CUBE = Shape(kind="box", size=(0.04, 0.04, 0.04))


@pytest.mark.parametrize(
    "kind, size", [("box", (0.1, 0.1)), ("capsule", (0.1,)), ("sphere", (-0.1,))]
)
def test_shape_of_wrong_size_is_refused(kind: str, size: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="positive sizes"):
        Shape(kind=kind, size=size)  # type: ignore[arg-type]


def test_free_body_without_mass_is_refused() -> None:
    with pytest.raises(ConfigError, match="mass must be positive"):
        Body(name="block", shapes=(CUBE,), motion="free")


def test_two_bodies_of_one_name_are_refused() -> None:
    scene = Push().scene
    with pytest.raises(ConfigError, match="two bodies of one name"):
        dataclasses.replace(scene, bodies=(*scene.bodies, scene.bodies[0]))


def test_equal_scenes_have_equal_hashes() -> None:
    one, other = Push().scene, Push().scene
    assert isinstance(one, SceneSpec)
    assert one == other and hash(one) == hash(other)


@pytest.mark.parametrize(
    "setting",
    [
        {"time_step": 0.0},
        {"solver_iterations": 0},
        {"residual": -1.0},
        {"contact_erp": 0.0},
        {"contact_erp": 1.5},
        {"time_step": float("nan")},
    ],
)
def test_bullet_settings_that_make_no_sense_are_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="BulletSettings"):
        BulletSettings(**setting)
