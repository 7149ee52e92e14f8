"""The arm's table and the URDF that is written from it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import mujoco
import numpy as np
import pytest

from ibc_gym import paths
from ibc_gym.envs.urdf import arm_urdf
from ibc_gym.envs.xarm6_looks import XARM6_LOOKS
from ibc_gym.kinematics import Kinematics
from ibc_gym.xarm6 import XARM6


def test_urdf_is_the_one_that_the_table_gives() -> None:
    assert paths.asset("robots/xarm6.urdf").read_text() == arm_urdf(XARM6, XARM6_LOOKS)


def test_urdf_moves_as_our_kinematics_do() -> None:
    model = mujoco.MjModel.from_xml_path(str(paths.asset("robots/xarm6.urdf")))
    data = mujoco.MjData(model)
    kinematics = Kinematics(XARM6, 0.0)
    rng = np.random.default_rng(0)
    for _ in range(20):
        data.qpos[:] = rng.uniform(kinematics.lower, kinematics.upper)
        mujoco.mj_kinematics(model, data)
        np.testing.assert_allclose(
            data.body("link6").xpos, kinematics.forward(data.qpos).position, atol=1e-9
        )


@pytest.mark.parametrize("number", range(6))
def test_inertia_is_that_of_a_possible_body(number: int) -> None:
    inertia = XARM6.joints[number].inertia
    (xx, yy, zz), (xy, xz, yz) = inertia.diagonal, inertia.products
    small, middle, large = np.linalg.eigvalsh([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    assert small > 0 and large <= small + middle


def test_urdf_has_no_mesh_of_anybody() -> None:
    assert not list(ET.parse(paths.asset("robots/xarm6.urdf")).iter("mesh"))
