"""What is asked of the emulated table: what goes wrong there and when, and how the arm is guarded; a file says it."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ibc_gym.checks import settle
from ibc_gym.errors import ConfigError, UnknownName
from ibc_gym.serialise import from_json

from ..rig.schedule import Schedule, schedule
from ..safety import SafetyLimits
from .table import SAFETY

VARIABLE: Final = "IBC_GYM_RIG"
"""Environment variable that says where the file is; without it nothing goes wrong."""


@dataclass(frozen=True, kw_only=True)
class EmulatedTable:
    """An emulated table; docs/hardware.md has an example of the file."""

    faults: tuple[str, ...] = ()
    """What goes wrong, in the words of `ibc-gym rig --fault` and those of cameras, such as "camera-unplug@5s+inf".

    Times count from when the arm is home for the first time. A camera's fault is every camera's.
    """
    faults_per_minute: float = 0.0
    """How many more are drawn at random, on average."""
    seed: int = 0
    """Of that draw."""
    safety: SafetyLimits = SAFETY
    """The guard before the arm."""

    def __post_init__(self) -> None:
        settle(self)
        self.schedule(cameras=True)

    def schedule(self, *, cameras: bool) -> Schedule:
        """What goes wrong, and when; without cameras theirs are refused.

        Raises:
            UnknownName: No fault is called that.
            ConfigError: It makes no sense.
        """
        return schedule(
            self.faults, per_minute=self.faults_per_minute, seed=self.seed, cameras=cameras
        )


def load_emulated_table() -> EmulatedTable:
    """What the file says that the variable IBC_GYM_RIG names; a table without faults if it names none.

    Raises:
        ConfigError: The file is not there, is no TOML, or a value does not serve; the message says which.
    """
    if VARIABLE not in os.environ:
        return EmulatedTable()
    path = Path(os.environ[VARIABLE])
    try:
        return from_json(EmulatedTable, tomllib.loads(path.read_text()))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"{path}, which {VARIABLE} names, cannot be read as TOML: {error}."
        ) from error
    except (ConfigError, UnknownName) as error:
        raise ConfigError(f"{path}: {error}") from error
