"""What every config checks of itself before anything else."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from ibc_gym.errors import ConfigError


def require_finite(config: Any) -> None:
    """Refuse NaN and infinities in a config and in the configs and tuples that it holds.

    NaN is neither below nor above any bound, so it would pass most checks that come after this one. Mappings are left
    to whom they are meant for: the options of a task, the keyword arguments of somebody else's environment.

    Raises:
        ConfigError: A number is not finite; it names the field.
    """
    # The class that checks itself has the name that a user knows; one derived from it has perhaps another.
    owner = next(cls for cls in type(config).__mro__ if "__post_init__" in vars(cls))
    _check(config, owner.__name__)


def _check(value: Any, where: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{where} is {value}, but must be a finite number.")
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            _check(getattr(value, field.name), f"{where}.{field.name}")
    elif isinstance(value, tuple | list):
        for number, item in enumerate(value):
            _check(item, f"{where}[{number}]")
