"""A person as a policy: what the hand does becomes the task's action, what the keys say is heard by the recording."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from ibc_gym.closing import Closing
from ibc_gym.contracts import Task
from ibc_gym.errors import ConfigError
from ibc_gym.records import Bool, CameraSpec, Float32, Observation

from .device import AT_REST, FASTER, SLOWER, Device, Reading
from .hand import Hand, HandConfig
from .keyboard import Keyboard

DISPLACEMENTS: Final = ("x displacement [m]", "y displacement [m]")
"""The actions that a hand can give."""
STALE: Final = 2.5
"""Control periods after which a reading that nobody renewed says nothing of the dead-man switch any more."""


class Person(Closing):
    """A `Policy` for one environment, and the dead-man switch of its robot.

    The tool moves while the switch is held, and only then. A hand that pushes when an episode begins must come to rest
    first, so that nothing of the last episode moves the robot in the next.
    """

    def __init__(
        self,
        device: Device,
        task: Task,
        config: HandConfig | None = None,
        *,
        camera: CameraSpec | None = None,
        keys: Device | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Hold a device; closing the person closes it.

        Args:
            device: What the hand holds.
            task: What is to be done; its actions must be displacements of the tool in the plane.
            config: How motions become the tool's.
            camera: Whose picture the person looks at, for the frame "camera".
            keys: A second device, of which only what is asked for is heard.
            clock: Time [s].

        Raises:
            ConfigError: A hand cannot give the task's actions, or the config does not fit the camera.
        """
        if tuple(task.action_names) != DISPLACEMENTS:
            raise ConfigError(
                f"A hand cannot do task {task.name!r}: it gives {' and '.join(DISPLACEMENTS)}, and the task takes "
                f"{', '.join(task.action_names) or 'actions without names'}."
            )
        self.hand = Hand(config or HandConfig(), task.control_period, camera)
        self._device, self._keys, self._clock = device, keys, clock
        self._space = task.action_space
        self._patience = STALE * task.control_period
        self._reading = Reading(move=AT_REST, held=False)
        self._read_at = -np.inf
        self._at_rest = False
        self._asked: list[str] = []

    @property
    def moving(self) -> bool:
        """Whether the hand moved the tool at the last step."""
        return bool(self._move().any())

    @property
    def words(self) -> str:
        """What the hand does and how fast it may be, for a line of status."""
        if not self._at_rest:
            return "let go of what you hold, then begin"
        what = "moving" if self.moving else "held" if self._reading.held else "let go"
        return f"hand {what}, {self.hand.speed:.3g} m/s"

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        """An episode begins; what was pressed before it is forgotten, and so are wishes that nobody took.

        Raises:
            ConfigError: There are several environments, and a person has two hands.
        """
        _one(len(mask))
        self._at_rest = False
        self._reading = self._read()
        self._asked.clear()

    def act(self, observation: Observation) -> Float32:
        """Where the hand goes now, (1, A); nowhere while the dead-man switch is not held.

        Raises:
            ConfigError: There are several environments.
            DeviceLost: What the hand held is gone.
        """
        _one(len(next(iter(observation.values()))))
        self._reading = self._read()
        action = np.clip(self._move().astype(np.float32), self._space.low, self._space.high)
        return action[None]

    def look(self) -> None:
        """Hear what is asked for, between episodes; nothing is moved by it.

        Raises:
            DeviceLost: What the hand held is gone.
        """
        self._reading = self._read()

    def held(self) -> bool:
        """Whether the dead-man switch was held a moment ago: not if nobody has looked since."""
        return self._reading.held and self._clock() - self._read_at <= self._patience

    def asked(self) -> tuple[str, ...]:
        """What was asked for since the last call, of `device.ASKS`, in order; the speed is seen to already."""
        asked = tuple(self._asked)
        self._asked.clear()
        return asked

    def close(self) -> None:
        """Let go of the devices; may be called twice."""
        try:
            self._device.close()
        finally:
            if self._keys is not None:
                self._keys.close()

    def _move(self) -> Float32 | np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        held = self._reading.held
        return self.hand.displacement(self._reading.move if held else AT_REST)

    def _read(self) -> Reading:
        reading = self._device.read()
        asked = list(reading.asked)
        if self._keys is not None:
            asked += self._keys.read().asked
        for ask in asked:
            if ask in (FASTER, SLOWER):
                self.hand.faster(1 if ask == FASTER else -1)
            else:
                self._asked.append(ask)
        self._read_at = self._clock()
        pushes = reading.held and self.hand.displacement(reading.move).any()
        self._at_rest = self._at_rest or not pushes
        return reading if self._at_rest else Reading(move=AT_REST, held=False)


def open_person(
    make_device: Callable[[], Device],
    task: Task,
    config: HandConfig | None = None,
    *,
    camera: CameraSpec | None = None,
) -> Person:
    """A person with a device that is opened now; where there is a terminal, its keys are heard beside it.

    Raises:
        ConfigError: The device cannot be opened, or a hand cannot do the task.
    """
    held = make_device()
    keys: Device | None = None
    try:
        if not isinstance(held, Keyboard) and sys.stdin.isatty():
            keys = Keyboard()
        return Person(held, task, config, camera=camera, keys=keys)
    except BaseException:
        held.close()
        if keys is not None:
            keys.close()
        raise


def _one(environments: int) -> None:
    if environments != 1:
        raise ConfigError(
            f"A person can serve one environment, not {environments}; record with one."
        )
