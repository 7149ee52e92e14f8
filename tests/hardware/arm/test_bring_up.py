"""Nothing moves before the controller was read back and agrees with the config; what does not is named with both values."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from arm_bench import Bench, run_into
from arm_bench import bench as make_bench
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.errors import ConfigError, RobotFault
from ibc_gym.hardware.arm.frames import Setup, setup_of
from ibc_gym.hardware.arm.robot import XArm
from ibc_gym.hardware.arm.vendor import Controller
from ibc_gym.records import Pose


def refused(bench: Bench, match: str, error: type[Exception] = ConfigError, **changes: Any) -> None:
    """An arm cannot be made, says why, and nothing has been sent or enabled."""
    with pytest.raises(error, match=match):
        XArm(replace(bench.config, **changes))
    assert bench.rig.heard() == []
    assert not bench.rig.state()["enabled"]


@contextmanager
def disagreeing(
    bench: Bench, change: Callable[[Any], Any], back: Callable[[Any], Any]
) -> Iterator[None]:
    """The controller set up otherwise, by the vendor's client, for the length of a block."""
    with bench.controller() as other:
        change(other._api.core)
        try:
            yield
        finally:
            back(other._api.core)


def test_controller_that_agrees_is_taken_and_nothing_has_moved(bench: Bench) -> None:
    before = bench.rig.state()["joints"]
    with bench.arm(reset=False) as arm:
        assert arm.fault is None
        assert bench.rig.heard() == []
        assert not bench.rig.state()["enabled"], "joints are enabled by the first reset, not before"
    assert bench.rig.state()["joints"] == before


def test_fence_reduced_mode_and_sensitivity_are_set_on_the_controller(bench: Bench) -> None:
    changes = {
        "fence_lower": (0.05, -0.5, 0.0),
        "collision_sensitivity": 5,
        "reduced_tip_speed": 0.6,
        "reduced_joint_speed": 2.5,
    }
    with bench.arm(reset=False, **changes):
        found = bench.rig.configuration()
    assert found["fence_on"] and found["reduced_on"]
    assert found["collision_sensitivity"] == 5
    np.testing.assert_allclose(found["box"], [0.7, 0.05, 0.45, -0.5, 0.6, 0.0], atol=1e-6)
    assert found["reduced_tcp_speed"] == pytest.approx(0.6)
    assert found["reduced_joint_speed"] == pytest.approx(2.5)
    with bench.arm(reset=False, reduced_mode=False):
        assert not bench.rig.configuration()["reduced_on"]


def test_another_tool_length_is_named_with_both_values(bench: Bench) -> None:
    refused(
        bench,
        r"TCP offset \[m\] of \[0.0, 0.0, 0.1524\]; XArmConfig means \[0.0, 0.0, 0.14\]",
        tool_length=0.14,
    )


def test_turned_tool_is_refused(bench: Bench) -> None:
    length = bench.config.tool_length * 1000
    with disagreeing(
        bench,
        lambda core: core.set_tcp_offset([0, 0, length, 0, 0, 0.5]),
        lambda core: core.set_tcp_offset([0, 0, length, 0, 0, 0]),
    ):
        refused(bench, "TCP offset turned by")


def test_another_payload_is_named_with_both_values(bench: Bench) -> None:
    refused(bench, r"payload \[kg\] of \[0.1\]; XArmConfig means \[0.5\]", payload=0.5)
    refused(bench, "payload's centre", payload_centre=(0.0, 0.0, 0.02))


def test_moved_world_is_refused(bench: Bench) -> None:
    with disagreeing(
        bench,
        lambda core: core.set_world_offset([50, 0, 0, 0, 0, 0]),
        lambda core: core.set_world_offset([0] * 6),
    ):
        refused(bench, r"world offset \[m\] of \[0.05, 0.0, 0.0\]")


def test_arm_that_hangs_from_the_ceiling_is_refused(bench: Bench) -> None:
    with disagreeing(
        bench,
        lambda core: core.set_gravity_dir([0, 0, 1]),
        lambda core: core.set_gravity_dir([0, 0, -1]),
    ):
        refused(
            bench, r"gravity direction of \[0.0, 0.0, 1.0\]; XArmConfig means \[0.0, 0.0, -1.0\]"
        )


def test_other_geometry_is_named_with_where_the_flange_would_be(bench: Bench) -> None:
    with bench.controller() as other:
        _, *table = other._api.core.get_dh_params()
        longer = list(table)
        longer[13] += 2.0  # d of joint 4 [mm]
        other._api.core.set_dh_params(longer)
        try:
            refused(bench, r"the flange is at .* by ours it is at")
        finally:
            other._api.core.set_dh_params(table)


def test_tolerance_of_the_geometry_is_kept(bench: Bench) -> None:
    with bench.controller() as other:
        _, *table = other._api.core.get_dh_params()
        other._api.core.set_dh_params([*table[:13], table[13] + 0.5, *table[14:]])
        try:
            with bench.arm(reset=False):
                pass
            refused(bench, "the flange is at", geometry_tolerance=1e-4)
        finally:
            other._api.core.set_dh_params(table)


def test_old_firmware_and_other_model_are_refused(bench: Bench) -> None:
    refused(bench, r"firmware 2.6.107; XArmConfig.firmware asks for 3.0.0", firmware=(3, 0, 0))
    refused(bench, "is model 6 with 6 joints; XArmConfig.model is 12", model=12)


def test_other_identity_is_refused() -> None:
    with make_bench(identity={"kind": 9, "firmware": [1, 9, 0]}) as bench:
        refused(bench, "is model 9")
        refused(bench, "firmware 1.9.0", model=9)


@pytest.mark.parametrize(
    "command, changes, match",
    [
        ("set_fence", {"fence_upper": (0.71, 0.45, 0.6)}, "has a fence"),
        ("set_reduced", {"reduced_tip_speed": 0.61}, "has a reduced"),
        ("set_collision_sensitivity", {"collision_sensitivity": 4}, "has a collision sensitivity"),
    ],
)
def test_guard_that_the_controller_did_not_take_is_noticed(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    changes: dict[str, Any],
    match: str,
) -> None:
    monkeypatch.setattr(Controller, command, lambda *values: None)
    refused(bench, match, **changes)


def test_controller_with_an_error_is_refused_until_a_person_says_so(bench: Bench) -> None:
    bench.fail("collision")
    refused(bench, "a collision.*controller error 31", RobotFault)
    with XArm(bench.config, clear_errors=True) as arm:
        arm.reset()


SERVO_OF_JOINT_2 = 12


@pytest.mark.parametrize(
    "changes, match",
    [
        ({"model": 12}, "is model 6"),
        ({"firmware": (3, 0, 0)}, "firmware"),
        ({"tool_length": 0.14}, "TCP offset"),
        ({"geometry_tolerance": 1e-9}, "the flange is at|tool position"),
    ],
    ids=["model", "firmware", "tool", "geometry"],
)
def test_joint_with_an_error_is_not_powered_before_everything_agrees(
    bench: Bench, changes: dict[str, Any], match: str
) -> None:
    bench.fail("error", code=SERVO_OF_JOINT_2)
    with pytest.raises(ConfigError, match=match):
        XArm(replace(bench.config, **changes), clear_errors=True)
    state = bench.rig.state()
    assert not state["enabled"] and state["error"] == SERVO_OF_JOINT_2
    with XArm(bench.config, clear_errors=True):
        assert bench.rig.state()["error"] == 0


def test_joint_with_an_error_is_not_powered_before_the_fence_was_read_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.fail("error", code=SERVO_OF_JOINT_2)
    monkeypatch.setattr(Controller, "set_fence", lambda *values: None)
    with pytest.raises(ConfigError, match="has a fence"):
        XArm(replace(bench.config, fence_upper=(0.71, 0.45, 0.6)), clear_errors=True)
    assert not bench.rig.state()["enabled"]


def test_joint_with_an_error_is_not_powered_by_a_recovery_that_finds_another_tool(
    bench: Bench,
) -> None:
    length = bench.config.tool_length * 1000
    with bench.arm() as arm:
        bench.fail("error", code=SERVO_OF_JOINT_2)
        run_into(arm)
        with disagreeing(
            bench,
            lambda core: core.set_tcp_offset([0, 0, length + 20, 0, 0, 0]),
            lambda core: core.set_tcp_offset([0, 0, length, 0, 0, 0]),
        ):
            with pytest.raises(ConfigError, match="TCP offset"):
                arm.recover()
            assert not bench.rig.state()["enabled"]
        arm.recover()
        arm.reset()


def test_tool_is_written_only_when_a_person_says_so(bench: Bench) -> None:
    other = replace(bench.config, tool_length=0.2, payload=0.3, payload_centre=(0.0, 0.0, 0.1))
    refused(bench, "TCP offset", tool_length=0.2)
    with XArm(other, write_tool=True):
        found = bench.rig.configuration()
    assert found["tcp_offset"][2] == pytest.approx(0.2)
    assert found["load_mass"] == pytest.approx(0.3)
    with XArm(bench.config, write_tool=True):
        pass


def test_nobody_there_is_told_in_time(bench: Bench) -> None:
    with pytest.raises(RobotFault, match=r"cannot be reached within 0.5 s"):
        XArm(replace(bench.config, address="127.99.99.99", connect_timeout=0.5))


def test_arm_outside_of_its_fence_is_not_moved(bench: Bench) -> None:
    with bench.arm(
        reset=False,
        fence_lower=(0.45, -0.45, -0.2),
        workspace_lower=(0.5, -0.3, 0.01),
    ) as arm:
        with pytest.raises(RobotFault, match=r"outside of the fence.*by hand"):
            arm.reset()
        assert bench.rig.heard() == []


def test_pose_of_the_tool_is_the_controllers_own(bench: Bench) -> None:
    with bench.arm() as arm:
        tool, there = arm.observe().tool, bench.rig.state()["tool"]
    assert tool is not None
    np.testing.assert_allclose(tool.position, there["position"], atol=1e-6)
    turn = geometry.rotation(tool.quaternion).inv() * Rotation.from_quat(
        there["quaternion"], scalar_first=True
    )
    assert turn.magnitude() < 1e-5
    assert isinstance(tool, Pose)


def told_otherwise(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:
    """Let every rich report say so."""

    def told(frame: bytes, time: float) -> Setup:
        return replace(setup_of(frame, time), **fields)

    monkeypatch.setattr("ibc_gym.hardware.arm.reports.setup_of", told)


@pytest.mark.parametrize(
    "limit, has, match",
    [
        ("joint_speed", 0.5, r"greatest joint speed \[rad/s\] of 0.5; XArmConfig asks for 1"),
        ("tip_speed", 0.1, r"greatest tip speed \[m/s\] of 0.1; XArmConfig asks for 0.25"),
        (
            "joint_acceleration",
            1.0,
            r"greatest joint acceleration \[rad/s\^2\] of 1; XArmConfig asks for 20",
        ),
    ],
)
def test_controller_that_allows_less_than_we_ask_for_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, limit: str, has: float, match: str
) -> None:
    asked = getattr(bench.config, limit)
    told_otherwise(monkeypatch, **{limit: asked})
    with bench.arm(reset=False):
        pass
    told_otherwise(monkeypatch, **{limit: has})
    refused(bench, match)


def test_lower_acceleration_of_the_controller_is_read_from_its_report() -> None:
    with make_bench(joint_acceleration=1.0) as bench:
        refused(bench, "greatest joint acceleration")


def test_joint_whose_brake_is_not_released_is_not_moved(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench.arm(reset=False, ready_timeout=1.0) as arm:
        told_otherwise(monkeypatch, enabled=False)
        with pytest.raises(RobotFault, match="brakes released; nothing moves"):
            arm.reset()
        assert bench.rig.heard() == [] and bench.rig.state()["state"] == 4
        with pytest.raises(RobotFault, match="brakes released"):
            arm.recover()
        monkeypatch.undo()
        arm.recover()
        arm.reset()
        assert bench.rig.state()["enabled"]


def test_times_are_measured_by_the_clock_that_was_given_from_the_first_look_on(
    bench: Bench,
) -> None:
    with XArm(bench.config, clock=lambda: time.monotonic() - 1e5) as arm:
        arm.reset()
        assert arm.fault is None
        assert arm.observe().time < time.monotonic() - 9e4
