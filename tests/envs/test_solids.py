"""Volumes and inertias, held to those that MuJoCo computes and to sums over many small parts."""

from __future__ import annotations

import dataclasses

import mujoco
import numpy as np
import pytest

from ibc_gym import geometry
from ibc_gym.envs.scene_spec import Body, Shape
from ibc_gym.envs.simulators.mujoco_world import MujocoWorld
from ibc_gym.envs.solids import gyration, mass_properties, volume
from ibc_gym.envs.tasks.push import Push
from ibc_gym.records import Bool, Float64

TILTED = (0.8, 0.36, 0.0, 0.48)
SOLIDS = [
    Shape(kind="box", size=(0.06, 0.02, 0.04)),
    Shape(kind="cylinder", size=(0.02, 0.05)),
    Shape(kind="capsule", size=(0.015, 0.04)),
    Shape(kind="sphere", size=(0.02,)),
    Shape(kind="ellipsoid", size=(0.03, 0.02, 0.01)),
]
TEE = (
    Shape(kind="box", size=(0.06, 0.02, 0.04)),
    Shape(kind="cylinder", size=(0.01, 0.04), position=(0.01, 0.03, 0.0), quaternion=TILTED),
    Shape(kind="box", size=(0.2, 0.2, 0.2), collides=False),
)


def body(*shapes: Shape) -> Body:
    return Body(name="thing", motion="free", mass=0.3, shapes=shapes)


def inside(shape: Shape, points: Float64) -> Bool:
    """Whether points (N, 3) in the solid's own frame lie within it."""
    x, y, z = points.T
    size = shape.size
    if shape.kind == "box":
        return np.asarray((np.abs(points) <= np.array(size) / 2).all(axis=1))
    if shape.kind == "cylinder":
        return np.asarray((np.hypot(x, y) <= size[0]) & (np.abs(z) <= size[1] / 2))
    if shape.kind == "capsule":
        beyond = np.maximum(np.abs(z) - size[1] / 2, 0.0)
        return np.asarray(x**2 + y**2 + beyond**2 <= size[0] ** 2)
    radii = np.array(size * 3 if shape.kind == "sphere" else size)
    return np.asarray(((points / radii) ** 2).sum(axis=1) <= 1)


@pytest.mark.parametrize("shape", SOLIDS, ids=lambda shape: shape.kind)
def test_volume_and_gyration_are_those_of_its_points(shape: Shape) -> None:
    axis = (np.arange(80) + 0.5) / 80 * 0.1 - 0.05
    points = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
    within = points[inside(shape, points)]
    assert len(within) * (0.1 / 80) ** 3 == pytest.approx(volume(shape), rel=0.03)
    x, y, z = (within**2).mean(axis=0)
    assert gyration(shape) == pytest.approx((y + z, x + z, x + y), rel=0.03)


@pytest.mark.parametrize("shapes", [*((solid,) for solid in SOLIDS), TEE])
def test_body_weighs_what_it_weighs_in_mujoco(shapes: tuple[Shape, ...]) -> None:
    thing = body(*shapes)
    model = MujocoWorld(dataclasses.replace(Push().scene, bodies=(thing,))).model
    row = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, "thing")
    found = mass_properties(thing)
    np.testing.assert_allclose(found.centre, model.body_ipos[row], atol=1e-9)
    axes = geometry.rotation(model.body_iquat[row]).as_matrix()
    inertia = axes @ np.diag(model.body_inertia[row]) @ axes.T
    np.testing.assert_allclose(found.inertia, inertia, atol=1e-10)


def test_thing_without_mass_has_its_centre_all_the_same() -> None:
    still = Body(name="wall", motion="fixed", shapes=TEE)
    assert np.isfinite(mass_properties(still).centre).all()
    assert (mass_properties(still).inertia == 0).all()
