"""What can be said about a training run; checked when it is said."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from ibc_gym.checks import settle
from ibc_gym.errors import ConfigError
from ibc_gym.training.schedule import Schedule
from ibc_gym.words import count

LARGEST_BATCH: Final = 2**20
"""Windows of a batch at most: far more than any training takes, and few enough that each step ends."""


@dataclass(frozen=True, kw_only=True)
class RollbackConfig:
    """What is done when training degenerates: it goes on from its last healthy checkpoint, more slowly.

    The count of updates goes on: what is put back are weights, optimiser and random streams.
    """

    attempts: int = 3
    """Rollbacks at most; after that, training stops. 0 for none: a number that is not finite stops it at once, and
    nothing else does."""
    learning_rate_factor: float = 0.3
    """What the learning rate is multiplied by at each."""
    patience: int = 3
    """Looks in a row, reports or validations, that must find a number out of bounds, after as many that found it within;
    NaN does at once."""
    error_ratio: float = 3.0
    """Held-out action error, beside the least so far, that is out of bounds; from its square root on, checkpoints no
    longer count as healthy."""

    def __post_init__(self) -> None:
        settle(self)
        for name, good in (
            ("attempts", self.attempts >= 0),
            ("learning_rate_factor", 0 < self.learning_rate_factor <= 1),
            ("patience", self.patience >= 1),
            ("error_ratio", self.error_ratio > 1),
        ):
            if not good:
                raise ConfigError(
                    f"RollbackConfig.{name} is {getattr(self, name)!r}, but attempts must not be negative, "
                    "learning_rate_factor in (0, 1], patience at least 1, and error_ratio greater than 1."
                )


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A training run: what is learned from what, how, and where it is written."""

    data: Path
    """Demonstrations: a folder that was recorded or imported."""
    out: Path
    """Folder of the run: checkpoints, metrics, TensorBoard files."""
    policy: str = "ebm"
    """Which policy; a row of the registry."""
    policy_config: Any = None
    """An instance of that policy's `Config`; its defaults if None."""
    steps: int = 10_000
    """Updates, unless `budget_cpu_seconds` is set."""
    budget_cpu_seconds: float | None = None
    """End after this much CPU time of the process [s] instead of after `steps`; the schedule ends with it.

    The learning rate then follows the clock, so no two runs are equal to the bit.
    """
    batch_size: int = 256
    """Windows per update."""
    micro_batch: int | None = None
    """Windows of a batch whose loss a CPU computes at a time, their gradients added up; None for the whole batch.

    The update is the same but for the order of sums and of random draws, and faster where windows times candidates
    outgrow the cache: 257 candidates of each of 512 windows, in a network 128 wide. A GPU takes the whole batch.
    """
    learning_rate: float = 2e-3
    """Adam's step size at its peak."""
    schedule: Schedule = "cosine"
    """"cosine" to 0 at the end, "exponential" as published (0.99 per `decay_steps`), or "constant"."""
    warmup: int = 100
    """Updates over which the learning rate rises linearly; 0 for none."""
    decay_steps: int = 100
    """Updates in which the "exponential" schedule loses one per cent."""
    adam_epsilon: float = 1e-7
    """Adam's epsilon, as published; its betas are 0.9 and 0.999."""
    weight_decay: float = 0.0
    """Decoupled weight decay (AdamW)."""
    clip_gradient: float | None = None
    """Greatest norm of the whole gradient; None for no clipping."""
    average_decay: float | None = 0.99
    """Decay of the exponentially averaged weights, which are what is validated and saved; None for none.

    At update k it is min(this, (1 + k) / (10 + k)).
    """
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the forward pass; weights and optimiser stay float32."""
    compile: bool = False
    """Compile the loss with torch.compile; needs a C++ compiler, and a minute at the start."""
    device: str = "auto"
    """"cpu", "cuda", "cuda:1"; "auto" takes a GPU where there is one."""
    threads: int | None = None
    """CPU threads that PyTorch uses; None leaves it as it is. Results depend on it in the last bits."""
    seed: int = 0
    """Of the split, the weights, the order of the data and the counter-examples."""
    validation_fraction: float = 0.1
    """Share of the episodes that is held out to choose the checkpoint by; 0 for none."""
    validation_windows: int = 512
    """Held-out windows that are acted on at most, spread evenly."""
    validate_every: int = 500
    """Updates between validations; the last update is always validated."""
    checkpoint_every: int = 1_000
    """Updates between checkpoints; the best by validation and the last are always saved."""
    keep: int = 3
    """Newest checkpoints that are kept, beside the best and those that a rollback may go back to."""
    log_every: int = 50
    """Updates between lines of the log."""
    divergence_limit: float = 1e6
    """Magnitude of a loss, an energy or a gradient norm at which training is given up."""
    rollback: RollbackConfig = dataclasses.field(default_factory=RollbackConfig)
    """What is done when training degenerates."""
    tensorboard: bool = True
    """Write TensorBoard event files."""
    keep_top: float = 1.0
    """Share of the episodes that is trained on, those of the highest return; what is held out is taken from them, too.

    The reward-filtered variants of Florence et al. 2021 keep 0.5, whatever the policy.
    """
    skip_damaged: bool = False
    """Read all demonstrations first, and leave those out that are damaged."""
    resume: bool = False
    """Go on from the run's newest checkpoint, if there is one."""

    def __post_init__(self) -> None:
        settle(self)
        for name in ("steps", "batch_size", "decay_steps", "validation_windows", "validate_every"):
            self._require(name, getattr(self, name) >= 1, "must be at least 1")
        for name in ("checkpoint_every", "keep", "log_every"):
            self._require(name, getattr(self, name) >= 1, "must be at least 1")
        self._require(
            "batch_size", self.batch_size <= LARGEST_BATCH, f"must be at most {LARGEST_BATCH}"
        )
        for name in ("learning_rate", "adam_epsilon", "divergence_limit"):
            self._require(name, getattr(self, name) > 0, "must be positive")
        part = self.micro_batch
        self._require("micro_batch", part is None or part >= 1, "must be at least 1, or None")
        for name in ("budget_cpu_seconds", "clip_gradient"):
            value = getattr(self, name)
            self._require(name, value is None or value > 0, "must be positive, or None")
        for name in ("warmup", "weight_decay", "seed"):
            self._require(name, getattr(self, name) >= 0, "must not be negative")
        self._require("seed", self.seed < 2**63, "must be less than 2**63")
        decay = self.average_decay
        self._require("average_decay", decay is None or 0 < decay < 1, "must lie between 0 and 1")
        self._require("validation_fraction", 0 <= self.validation_fraction < 1, "must be in [0, 1)")
        self._require("keep_top", 0 < self.keep_top <= 1, "must be in (0, 1]")
        self._require("threads", self.threads is None or self.threads >= 1, "must be at least 1")

    def _require(self, name: str, good: bool, rule: str) -> None:
        if not good:
            raise ConfigError(f"TrainConfig.{name} is {getattr(self, name)!r}, but {rule}.")


OF_DESCENT: Final = (
    *("steps", "budget_cpu_seconds", "batch_size", "micro_batch", "learning_rate", "schedule"),
    *("warmup", "decay_steps", "adam_epsilon", "weight_decay", "clip_gradient", "average_decay"),
    *("precision", "compile", "validate_every", "log_every", "checkpoint_every", "rollback"),
)
"""Settings of what changes weights step by step."""


def idle(config: TrainConfig, *, descends: bool = True) -> dict[str, str]:
    """Settings that change nothing as the others are, and why; settings of a group have its name before them.

    Args:
        config: Of a run.
        descends: Whether its policy has weights that follow a gradient.
    """
    found: dict[str, str] = {}
    if not config.validation_fraction:
        why = "no episode is held out; set TrainConfig.validation_fraction"
        found |= dict.fromkeys(("validation_windows", "validate_every"), why)
    if not descends:
        why = f"{config.policy!r} has no weights to train"
        return found | dict.fromkeys(OF_DESCENT, why)
    if config.budget_cpu_seconds is not None:
        found["steps"] = (
            "TrainConfig.budget_cpu_seconds ends the training; leave out one of the two"
        )
    if config.schedule != "exponential":
        why = f"TrainConfig.schedule is {config.schedule!r}; set it to 'exponential'"
        found["decay_steps"] = why
    if not config.rollback.attempts:
        why = "training is not rolled back; set RollbackConfig.attempts"
        names = (field.name for field in dataclasses.fields(RollbackConfig))
        found |= {f"rollback.{name}": why for name in names if name != "attempts"}
    return found


FREE_TO_CHANGE = frozenset(
    {"data", "skip_damaged", "out", "resume", "device", "threads", "compile", "keep", "tensorboard"}
)
"""Fields that a resumed run may set anew; the data are compared by fingerprint, however they were opened."""


OF_THE_MACHINE = frozenset({"device", "threads", "compile"})
"""Fields that say what a run is trained on: on another machine they are what is usual there."""


ENDLESS: tuple[Schedule, ...] = ("exponential", "constant")
"""Schedules whose learning rate does not depend on when training ends, so that it may end later."""


def check_resumable(
    now: dict[str, Any], before: dict[str, Any], usual: Mapping[str, Any] | None = None
) -> None:
    """Hold a resumed run to the settings it began with, all as plain JSON.

    Args:
        now: The settings to go on with.
        before: Those it began with.
        usual: What settings are that the version it began with did not have.

    Raises:
        ConfigError: A setting differs that would change the result; it names each.
    """
    before = _completed(before, usual or {})
    differing: list[Difference] = []
    for name in (field.name for field in dataclasses.fields(TrainConfig)):
        if name in FREE_TO_CHANGE or now.get(name) == before.get(name):
            continue
        if name in ("steps", "budget_cpu_seconds") and _is_longer(name, now, before):
            continue
        found = _differences(f"TrainConfig.{name}", before.get(name), now.get(name))
        if name == "policy":  # its settings have other names then
            raise ConfigError(_said(found) + _AGAIN)
        if name == "steps" and before.get("schedule") in ENDLESS:
            raise ConfigError(f"{_said(found)} A run can be made longer, not shorter.")
        if name == "steps":
            raise ConfigError(
                f"{_said(found)} Its {before.get('schedule')} schedule ends with them, so another number is another "
                "run: train into another folder. A run that begins with --schedule constant or exponential can be made "
                "longer."
            )
        differing += found
    if differing:
        raise ConfigError(_said(differing) + _AGAIN)


Difference = tuple[str, Any, Any]
"""A setting, as it was and as it is."""

_AGAIN = " Resume with the same settings, or train into another folder."
_SHOWN = 4
"""Differing settings that are named."""


def _completed(said: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that were said, and the usual ones where nothing was, in groups, too."""
    inner = {
        name: _completed(value, usual[name])
        if isinstance(value, dict) and isinstance(usual.get(name), dict)
        else value
        for name, value in said.items()
    }
    return {**usual, **inner}


def _differences(name: str, before: Any, now: Any) -> list[Difference]:
    """What differs of a setting, in parts where it has some."""
    if before == now:
        return []
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return [(name, before, now)]
    return [
        each
        for key in {**before, **now}
        for each in _differences(f"{name}.{key}", before.get(key), now.get(key))
    ]


def differing_settings(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Settings of two configs as plain JSON that are not the same: "steps 5, it was 3 and ..."; empty if there is none."""
    found = [
        each
        for name in now
        for each in _differences(f"TrainConfig.{name}", before.get(name), now[name])
    ]
    words = [f"{name} {value!r}, it was {was!r}" for name, was, value in found[:_SHOWN]]
    return _listed(words, len(found) - len(words)) if found else ""


def _said(differing: list[Difference]) -> str:
    shown = differing[:_SHOWN]
    left = len(differing) - len(shown)
    return (
        f"The run was begun with {_listed([f'{name} {before!r}' for name, before, _ in shown], left)}, but is to be "
        f"resumed with {_listed([repr(now) for _, _, now in shown], left)}."
    )


def _listed(words: list[str], left: int) -> str:
    """Some words, and how many are left out: "a, b and 3 others"."""
    words = [*words, *([count(left, "other")] if left else [])]
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _is_longer(name: str, now: dict[str, Any], before: dict[str, Any]) -> bool:
    """Whether there is only more of what ends the run, and its schedule does not depend on that."""
    was, will = before.get(name), now.get(name)
    if was is None or will is None or before.get("schedule") not in ENDLESS:
        return False
    return float(will) > float(was)
