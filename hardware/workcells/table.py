"""What a task asks of an arm, and the bounds that every table has."""

from __future__ import annotations

from dataclasses import replace
from math import radians
from typing import Any, Final

import numpy as np

from ibc_gym.contracts import Task
from ibc_gym.errors import ConfigError
from ibc_gym.kinematics import DOWN
from ibc_gym.records import Pose

from ..arm.config import ARM, XArmConfig
from ..safety import SafetyLimits

RIG_SAFETY: Final = SafetyLimits(tilt=radians(5.0), patience=5.0)
"""Beside the workspace and the speeds that the driver keeps: a tool that stays upright, and a policy that keeps talking."""


def arm_for(task: Task, config: XArmConfig) -> XArmConfig:
    """The arm's config with the task's control rate, workspace, home and tool.

    Raises:
        ConfigError: The task has no scene with an arm.
    """
    scene: Any = getattr(task, "scene", None)
    if scene is None:
        raise ConfigError(f"Task {task.name!r} has no table, so there is nothing for an arm to do.")
    config = replace(config, tool_length=scene.tool.length)
    home = Pose(position=np.array(scene.home), quaternion=DOWN)
    return replace(
        config,
        home_joints=tuple(config.kinematics().inverse(home, np.array(ARM.rest)).joints.tolist()),
        control_rate=1.0 / scene.control_period,
        workspace_lower=scene.workspace_lower,
        workspace_upper=scene.workspace_upper,
        payload=scene.tool.mass,
        payload_centre=(0.0, 0.0, scene.tool.length / 2),
    )
