"""Every code that the vendor's client knows has words of ours."""

from __future__ import annotations

import pytest
import xarm.core.config.x_code as VENDOR

from ibc_gym.hardware.arm import codes


@pytest.mark.parametrize(
    "code", [int(str(code)) for code in VENDOR.ControllerErrorCodeMap if code != "other"]
)
def test_every_controller_error_says_what_happened_and_what_to_do(code: int) -> None:
    told = codes.describe(code)
    assert f"controller error {code}" in told
    assert told.endswith(".")
    assert "in no list of ours" not in told


def test_every_warning_and_servo_error_has_words() -> None:
    warnings = {int(str(code)) for code in VENDOR.ControllerWarnCodeMap if code != "other"}
    assert warnings == set(codes.WARNINGS)
    servos = {int(str(code)) for code in VENDOR.ServoCodeMap if code not in ("other", "failed")}
    assert servos == set(codes.SERVO_ERRORS)


def test_unknown_code_is_told_with_its_number() -> None:
    assert "200" in codes.describe(200)
    assert "no list" in codes.call(77)


def test_servos_are_told_by_joint() -> None:
    assert codes.servo((0, 23, 0, 0, 0, 99)) == (
        "joint 2: it is far from where it should be: blocked, or overloaded (servo error 23); "
        "joint 6: an unknown error (servo error 99)"
    )
    assert codes.servo((0,) * 6) == ""
