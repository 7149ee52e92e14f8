"""What a rig answers about its controller, beside the vendor's protocol: what it heard, how it stands, what is to go wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ibc_gym import geometry
from ibc_gym.records import Pose

from .faults import Fault
from .lines import Handler
from .server import Controller


def handlers_of(controller: Controller) -> Mapping[str, Handler]:
    """What a `LineServer` in the controller's process answers about it; all values in SI."""
    core = controller.core

    def inject(**fault: Any) -> float:
        """Schedule a fault given by its fields, and say what time it is."""
        controller.inject(Fault(**fault))
        return controller.time

    def release() -> None:
        controller.release()

    def restart() -> None:
        controller.restart()

    def heard() -> list[dict[str, Any]]:
        """Every motion target since the last time, followed or not."""
        entries = list(core.heard)
        core.heard.clear()
        return entries

    def stops() -> list[dict[str, Any]]:
        """Every order to stop since the last time."""
        entries = list(core.stops)
        core.stops.clear()
        return entries

    def state() -> dict[str, Any]:
        machine, mover = core.machine, core.mover
        return {
            "time": controller.time,
            "joints": core.state.joints.tolist(),
            "joint_velocities": core.state.joint_velocities.tolist(),
            "commanded": mover.joints.tolist(),
            "tool": _plain(geometry.pose_of(core.tool)),
            "mode": machine.mode,
            "state": core.state_code,
            "error": machine.error,
            "warning": machine.warning,
            "held": machine.held,
            "enabled": all(machine.enabled),
            "moving": mover.moving,
            "gripper": core.gripper.place,
            "clients": controller.clients,
        }

    def configuration() -> dict[str, Any]:
        identity = core.identity
        return {
            **core.configuration.plain(),
            "version": identity.version,
            "serial": identity.serial,
            "firmware": list(identity.firmware),
        }

    def lead(joints: Sequence[float], speed: float) -> None:
        """A hand takes the arm elsewhere, where the controller lets it; `state` says whether it still moves."""
        core.lead(np.array(joints, dtype=np.float64), speed)

    return {
        "inject": inject,
        "lead": lead,
        "release": release,
        "restart": restart,
        "heard": heard,
        "stops": stops,
        "state": state,
        "configuration": configuration,
    }


def _plain(pose: Pose) -> dict[str, list[float]]:
    return {"position": pose.position.tolist(), "quaternion": pose.quaternion.tolist()}
