"""An emulated controller for tests of the arm's driver: its process, the config that fits it, arms that are let go of."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ibc_gym.errors import RobotFault
from ibc_gym.hardware.arm.config import CONTROL_PORT, XArmConfig
from ibc_gym.hardware.arm.recovery import clear
from ibc_gym.hardware.arm.robot import XArm
from ibc_gym.hardware.arm.vendor import Controller
from ibc_gym.hardware.rig.process import Rig, fresh_address, spawn
from ibc_gym.kinematics import DOWN
from ibc_gym.records import Float64, Pose, Target

PROGRAM = (sys.executable, str(Path(__file__).parent / "hardware/arm/emulator.py"))
PATIENCE = 15.0
"""By when the arm stands, or the emulator shows what it was told to [s]: generous, since others share this machine."""
LATE = 1.0
"""After which an answer or a report is missing [s]: generous, for the same reason."""
SHIPPED: dict[str, Any] = {
    "command_timeout": XArmConfig.command_timeout,
    "report_timeout": XArmConfig.report_timeout,
}
"""The deadlines of a config that names none, for tests that have the machine to themselves."""
BOUND = 10.0
"""By when every fault must have been noticed [s]: generous, for the same reason."""


@dataclass
class Bench:
    """A rig and the config that it fits."""

    rig: Rig
    config: XArmConfig

    @contextmanager
    def arm(self, *, reset: bool = True, **changes: Any) -> Iterator[XArm]:
        """A driver with some settings changed, reset to its home unless told otherwise."""
        with XArm(replace(self.config, **changes)) as arm:
            if reset:
                arm.reset()
                self.rig.heard()
            yield arm

    @contextmanager
    def controller(self) -> Iterator[Controller]:
        """A second client, as somebody else beside the arm might have one."""
        with Controller(
            self.rig.address, port=self.rig.port, connect_timeout=5.0, command_timeout=0.5
        ) as controller:
            yield controller

    def clean(self) -> None:
        """End what a test left behind: faults that last, errors, targets that were heard."""
        self.rig.release()
        until = time.monotonic() + PATIENCE
        while True:
            try:
                with self.controller() as controller:
                    clear(self.config, controller)
                    controller.stop()
                    controller._api.core.motion_en(8, 0)
                break
            except RobotFault:
                if time.monotonic() > until:
                    raise
        self.rig.heard()

    def still(self) -> bool:
        """Whether the arm comes to rest, seen from the emulator's side, whose clock may be slow."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            before = self.rig.state()
            time.sleep(0.1)
            after = self.rig.state()
            moved = float(np.abs(np.array(before["joints"]) - after["joints"]).max())
            if moved < 1e-9 and not after["moving"] and after["time"] > before["time"]:
                return True
        return False

    def fail(self, kind: str, **fields: Any) -> None:
        """Let the controller run into an error, and wait until it has."""
        self.rig.inject(kind, **fields)
        until = time.monotonic() + PATIENCE
        while not self.rig.state()["error"]:
            assert time.monotonic() < until, "the emulator has no error"
            time.sleep(0.005)

    def targets(self) -> Float64:
        """Joint targets that reached the controller since last asked, (N, 6)."""
        return np.array([each["joints"] for each in self.rig.heard() if "joints" in each])


@contextmanager
def bench(
    identity: dict[str, Any] | None = None, port: int = CONTROL_PORT, **configuration: Any
) -> Iterator[Bench]:
    """A controller whose arm stands at the home of the default config and knows its tool.

    Args:
        identity: Fields of the emulator's `Identity` that differ.
        port: For commands.
        configuration: Fields of the emulator's `Configuration` that differ.
    """
    # On a busy machine the emulator's clock goes slower than ours: targets come faster than they were meant to. Moderate
    # speeds keep it from calling them too fast; a deep fence, from being left by an arm that brakes after an error. Nor does
    # it answer there within a quarter of a second whatever happens: what has a deadline to keep is tested with its own.
    config = XArmConfig(
        address=fresh_address(),
        command_timeout=LATE,
        report_timeout=LATE,
        joint_speed=1.0,
        tip_speed=0.25,
        reset_speed=0.25,
        reset_height=0.03,
        fence_lower=(0.1, -0.45, -0.2),
    )
    known = {
        "tcp_offset": [0.0, 0.0, config.tool_length, 0.0, 0.0, 0.0],
        "load_mass": config.payload,
        "load_centre": list(config.payload_centre),
    }
    options = {
        "joints": config.home().tolist(),
        "identity": identity or {},
        "configuration": known | configuration,
        "port": port,
    }
    flags = [word for name, value in options.items() for word in (f"--{name}", json.dumps(value))]
    with spawn(config.address, *flags, program=PROGRAM) as rig:
        yield Bench(rig, replace(config, port=rig.port))


def run_into(arm: XArm) -> RobotFault:
    """Move about until a fault shows."""
    until, number = time.monotonic() + BOUND, 0
    while time.monotonic() < until:
        number += 1
        try:
            arm.command(tip(0.375 + 0.03 * np.sin(number), 0.03 * np.cos(number)))
            arm.advance()
        except RobotFault as fault:
            return fault
    raise AssertionError(f"no fault within {BOUND} s")


def pace(arm: XArm) -> None:
    """Go home on either side in turn, for some seconds."""
    for side in (0.25, -0.25) * 5:
        arm.reset(tip(0.3, side))


def bring(arm: XArm, target: Target, *, within: float = 1e-4) -> None:
    """Command a target until the tip is there; on a busy machine that takes a period more."""
    assert target.tool is not None
    for _ in range(20):
        arm.command(target)
        arm.advance()
        tool = arm.observe().tool
        assert tool is not None
        off = float(np.linalg.norm(tool.position - target.tool.position))
        if off < within:
            return
    raise AssertionError(f"the tip is {off} m away from {target.tool.position}")


def tip(x: float, y: float, z: float = 0.01) -> Target:
    """A target for a tool that points down."""
    return Target(tool=Pose(position=np.array([x, y, z]), quaternion=DOWN))
