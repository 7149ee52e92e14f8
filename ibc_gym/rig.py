"""The emulated rig: the simulated world of a task, driven in real time through the vendors' own protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ibc_gym.checks import settle
from ibc_gym.contracts import Workcell
from ibc_gym.errors import ConfigError
from ibc_gym.registry import HARDWARE, WORKCELLS, load, make_task
from ibc_gym.serialise import to_json

ANYWHERE: Final = ((-1.5, -1.5, -0.1), (1.5, 1.5, 1.5))
"""Where the tip of the rig's arm may be [m]: the rig is no safer than a real one; fences are for its controller to keep."""


@dataclass(frozen=True, kw_only=True)
class RigConfig:
    """What stands on the emulated table, and where its controller listens."""

    task: str = "insert"
    """Whose world it is."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the task's config."""
    workcell: str = "mujoco"
    """The simulator behind the controller."""
    address: str = "127.0.0.1"
    """On loopback; every rig needs its own: 127.0.0.2, 127.0.0.3."""
    period: float = 0.008
    """How long the arm goes from one set-point to the next [s]."""
    parent: int = 0
    """Process with which the rig ends; 0 for none."""

    def __post_init__(self) -> None:
        settle(self)
        if not 0.002 <= self.period <= 0.05:
            raise ConfigError(
                f"RigConfig.period is {self.period} s, but must lie in 0.002 to 0.05: a controller is no slower."
            )


class _Stage:
    """A task's scene as the rig needs it: a short control period, and an arm that may go anywhere."""

    def __init__(self, scene: Any, period: float) -> None:
        lower, upper = ANYWHERE
        self.scene = replace(
            scene, control_period=period, workspace_lower=lower, workspace_upper=upper
        )


def serve(config: RigConfig, tell: Callable[[Mapping[str, Any]], None]) -> None:
    """Run the rig in this process until it is told to end.

    Args:
        config: What stands on its table.
        tell: Told where everything listens, once it does: address, port, and port of questions.

    Raises:
        ConfigError: The task has no scene, or something else listens at the address.
        UnknownName: No task or simulator is called that.
    """
    task = make_task(config.task, **config.options)
    scene = getattr(task, "scene", None)
    if scene is None:
        raise ConfigError(f"Task {config.task!r} has no table to build a rig from.")
    world: Workcell = load(WORKCELLS, config.workcell, "workcell")(
        _Stage(scene, config.period), cameras=False
    )
    about = {"task": config.task, "options": to_json(task.config)}
    try:
        load(HARDWARE, "rig", "hardware")(
            world, config.address, about=about, parent=config.parent, tell=tell
        )
    finally:
        world.close()
