"""What a Gymnasium environment from elsewhere tells of itself, in the words that our programs use.

Recorder, trainer and evaluator ask a task for its name, horizon, control period, spaces and labels. `ExternalTask`
answers those; what happens inside an episode stays the environment's own affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from gymnasium import spaces

from ibc_gym.checks import require_finite
from ibc_gym.errors import ConfigError

REWARDS = ("benchmark", "installed")
LAYOUTS = ("installed", "d4rl")


@dataclass(frozen=True, kw_only=True)
class ExternalConfig:
    """How an environment from elsewhere is made."""

    id: str
    """Gymnasium's id, such as "AdroitHandDoor-v1"."""
    horizon: int | None = None
    """Steps after which an episode is cut off, shorter or longer than registered; None keeps the registered limit."""
    reward: str = "benchmark"
    """"benchmark" is what published scores were counted in, "installed" what the package returns."""
    layout: str = "installed"
    """Order of the kitchen's state: "d4rl" is the benchmark's 60 numbers, "installed" the package's 59."""
    options: Mapping[str, object] = field(default_factory=dict)
    """The environment's own keyword arguments."""

    def __post_init__(self) -> None:
        require_finite(self)
        if self.horizon is not None and not (isinstance(self.horizon, int) and self.horizon >= 1):
            raise ConfigError(
                f"horizon is {self.horizon!r} for {self.id!r}, but must be an int of at least 1 step; "
                "leave it out for the environment's own limit."
            )
        for name, known in (("reward", REWARDS), ("layout", LAYOUTS)):
            value = getattr(self, name)
            if value not in known:
                raise ConfigError(f"{name}={value!r} is not one of {', '.join(known)}.")


@dataclass(frozen=True, kw_only=True, eq=False)
class ExternalTask:
    """The facts of one environment; the part of `ibc_gym.contracts.Task` that holds outside our workcells."""

    Config: ClassVar[type[ExternalConfig]] = ExternalConfig
    workcells: ClassVar[tuple[str, ...]] = ("gym",)

    config: ExternalConfig
    name: str
    """"gym:<id>"."""
    horizon: int
    """Steps after which an episode is cut off."""
    control_period: float
    """Simulated time of a step [s]; 1 where the environment names none."""
    action_space: spaces.Box
    """(A,) float32, in the environment's own units."""
    feature_spaces: Mapping[str, spaces.Box]
    """"state", (S,) float32; empty if only pictures are observed."""
    feature_names: Mapping[str, tuple[str, ...]]
    """A label for every element of "state"."""
    reference_scores: tuple[float, float] | None
    """Returns of a random and of an expert policy; 100 (return - random) / (expert - random) is the normalised score."""
    score: str
    """The published measure of a policy: "success" rate, mean "return", or mean "best_reward" of an episode."""
    action_names: tuple[str, ...] = ()
    """A label with its unit for every element of an action; empty where we know none."""


@dataclass(frozen=True, kw_only=True)
class ExternalWorkcell:
    """Where such an environment happens: in its own simulator."""

    name: str = "gym"
