"""A program that streams to an arm until it is killed: it says "moving" on a line of its own once the arm does."""

from __future__ import annotations

import sys

import numpy as np

from ibc_gym.hardware.arm.config import XArmConfig
from ibc_gym.hardware.arm.robot import XArm
from ibc_gym.kinematics import DOWN
from ibc_gym.records import Pose, Target


def main() -> None:
    address, port, kind = sys.argv[1:]
    config = XArmConfig(
        address=address,
        port=int(port),
        stream=kind,  # type: ignore[arg-type]
        joint_speed=1.0,
        tip_speed=0.1,
        reset_height=0.03,
        fence_lower=(0.1, -0.45, -0.2),
    )
    with XArm(config) as arm:
        arm.reset()
        number = 0
        while True:
            side = 0.25 if number // 15 % 2 else -0.25
            pose = Pose(position=np.array([0.375, side, 0.01]), quaternion=DOWN)
            arm.command(Target(tool=pose))
            arm.advance()
            number += 1
            if number == 5:
                print("moving", flush=True)


if __name__ == "__main__":
    main()
