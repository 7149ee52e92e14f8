"""A controller on loopback whose arm stands at home with its tool known, or set up otherwise: run as a program."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

import numpy as np

from ibc_gym.hardware.rig.configuration import Identity
from ibc_gym.hardware.rig.kinematic_arm import KinematicArm
from ibc_gym.hardware.rig.lines import LineServer
from ibc_gym.hardware.rig.questions import handlers_of
from ibc_gym.hardware.rig.serve import announce, ended, run
from ibc_gym.hardware.rig.server import CONTROL_PORT, Controller
from ibc_gym.records import Target


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--address")
    parser.add_argument("--port", type=int, default=CONTROL_PORT)
    parser.add_argument("--parent", type=int)
    parser.add_argument("--joints", help="where the arm stands, as JSON [rad]")
    parser.add_argument("--identity", default="{}", help="fields of Identity, as JSON")
    parser.add_argument("--configuration", default="{}", help="fields of Configuration, as JSON")
    options = parser.parse_args()
    fields = json.loads(options.identity)
    if "firmware" in fields:
        fields["firmware"] = tuple(fields["firmware"])
    robot = KinematicArm(control_period=0.004)
    robot.reset(Target(joints=np.array(json.loads(options.joints))))
    identity = replace(Identity(), **fields)
    with (
        Controller(robot, options.address, options.port, identity=identity) as controller,
        LineServer(handlers_of(controller), options.address) as lines,
    ):
        core = controller.core
        for name, value in json.loads(options.configuration).items():
            fitting = np.array(value) if isinstance(value, list) else value
            setattr(core.configuration, name, fitting)
        core.saved = core.configuration.copy()
        core.configure()
        announce(controller, lines)
        run(controller, lines, until=ended(options.parent))


if __name__ == "__main__":
    main()
