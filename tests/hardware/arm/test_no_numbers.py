"""What a controller tells that is no number is refused in words, with what we know instead; nothing has moved."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest
from arm_bench import Bench
from xarm.core.wrapper.uxbus_cmd import UxbusCmd

from ibc_gym.errors import ConfigError, RobotFault
from ibc_gym.hardware.arm.robot import XArm


@pytest.mark.parametrize("value", [nan, inf])
def test_geometry_that_holds_no_numbers_is_named_beside_ours(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    told: Any = UxbusCmd.get_dh_params

    def odd(core: UxbusCmd) -> list[float]:
        code, *table = told(core)
        return [code, *table[:13], value, *table[14:]]

    monkeypatch.setattr(UxbusCmd, "get_dh_params", odd)
    with pytest.raises(ConfigError, match=rf"{value}.*by ours the flange is at \[0\."):
        XArm(bench.config)
    assert bench.rig.heard() == [] and not bench.rig.state()["enabled"]


def test_joints_that_are_no_numbers_are_a_fault(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: Any = UxbusCmd.get_joint_pos
    monkeypatch.setattr(UxbusCmd, "get_joint_pos", lambda core: [0, nan, *told(core)[2:]])
    with pytest.raises(RobotFault, match="joints that are no numbers"):
        XArm(bench.config)
    assert bench.rig.heard() == [] and not bench.rig.state()["enabled"]
