"""A small policy, its data and its settings, on which training is held to its promises."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from safetensors.torch import load_file

from ibc_gym.checkpoint import find_policy
from ibc_gym.contracts import PolicySpec
from ibc_gym.data.demonstration import Demonstration
from ibc_gym.data.metadata import Metadata
from ibc_gym.data.recorder import Recorder
from ibc_gym.records import Windows
from ibc_gym.training.config import TrainConfig
from ibc_gym.training.records import TrainingSet, TrainResult
from ibc_gym.training.telemetry import read_metrics
from ibc_gym.training.trainer import train_on


@dataclass(frozen=True, kw_only=True)
class ToyConfig:
    inputs: tuple[str, ...] = ("state",)
    history: int = 1
    frame: str | None = None
    errors: tuple[float | str, ...] = ()
    """What consecutive validations shall find, "nan" for no number; empty for the truth."""
    sick_from: int | None = None
    """Call of the loss from which `sickness` sets in."""
    sickness: str = ""
    sick_faster_than: float = -1.0
    """Step of a weight between calls up to which it does not."""


class ToyData:
    def __init__(self, state: torch.Tensor, action: torch.Tensor) -> None:
        self.state, self.action = state, action

    def __len__(self) -> int:
        return len(self.state)

    def batch(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"state": self.state[rows], "action": self.action[rows]}

    def to(self, device: torch.device | str) -> ToyData:
        return ToyData(self.state.to(device), self.action.to(device))


class Toy(torch.nn.Module):
    """Linear regression under dropout (from PyTorch's own stream) and noise (from the generator)."""

    Config: ClassVar[type[ToyConfig]] = ToyConfig

    def __init__(self, config: ToyConfig, spec: PolicySpec, frame: Any = None) -> None:
        super().__init__()
        self.config, self.spec = config, spec
        self.linear = torch.nn.Linear(3, 2)
        self.calls: torch.Tensor
        self.before: torch.Tensor
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))
        self.register_buffer("before", torch.zeros(2, 3))
        self.scale = 1.0
        self.validations = 0

    def fit(self, windows: Windows) -> None:
        self.scale = float(np.abs(windows.action).max())

    def encode(self, windows: Windows) -> ToyData:
        state = torch.from_numpy(windows.frames["state"][windows.index[:, -1]])
        return ToyData(state, torch.tensor(windows.action) / self.scale)

    def loss(
        self, batch: Mapping[str, torch.Tensor], generator: torch.Generator
    ) -> tuple[torch.Tensor, Mapping[str, torch.Tensor]]:
        state = torch.nn.functional.dropout(batch["state"], 0.1, self.training)
        noise = 0.01 * torch.randn(state.shape, generator=generator, device=state.device)
        error = (self.linear(state + noise) - batch["action"]).square().mean()
        energy = error.detach()
        first = self.config.sick_from
        step = float((self.linear.weight.detach() - self.before).abs().max())
        self.before.copy_(self.linear.weight.detach())
        pulse = torch.zeros(())
        if first is not None and self.calls >= first and step > self.config.sick_faster_than:
            error, energy = sicken(self.config.sickness, error, energy)
            pulse += 5 * (self.config.sickness == "pulse")
        self.calls += 1
        return error, {"energy_positive": energy, "pulse": pulse}

    @property
    def vital_signs(self) -> Mapping[str, tuple[float, float]]:
        return {"train/pulse": (0.0, 1.0)}

    def validate(
        self, batch: Mapping[str, torch.Tensor], generator: torch.Generator
    ) -> Mapping[str, float]:
        assert not self.training
        torch.rand(7)  # a policy may draw from PyTorch's own stream, too
        if self.config.errors:
            self.validations += 1
            return {"action_error": float(self.config.errors[self.validations - 1])}
        error = self.linear(batch["state"]) - batch["action"]
        return {"action_error": float(error.norm(dim=1).mean().detach())}

    def fitted(self) -> dict[str, float]:
        return {"scale": self.scale}

    def load_fitted(self, fitted: Mapping[str, Any]) -> None:
        self.scale = fitted["scale"]


def sicken(
    sickness: str, error: torch.Tensor, energy: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    if sickness == "loss":
        return error * math.nan, energy
    if sickness == "energy":
        return error, energy + 1e7
    if sickness == "pulse":
        return error, energy
    return torch.sqrt(error - error.detach()), energy  # finite, with an infinite slope


def windows(count: int, rng: np.random.Generator) -> Windows:
    state = rng.normal(size=(count, 3)).astype(np.float32)
    action = (state @ np.array([[1, 0], [0, -1], [0.5, 2]])).astype(np.float32)
    rows = np.arange(count)
    return Windows(frames={"state": state}, index=rows[:, None], action=action, episode=rows // 10)


def training_set(**changes: Any) -> TrainingSet:
    rng = np.random.default_rng(0)
    spec = PolicySpec(
        task="toy-task",
        observation_space=spaces.Dict({"state": spaces.Box(-9, 9, (3,))}),
        action_space=spaces.Box(-30, 30, (2,)),
        control_period=0.1,
    )
    made = TrainingSet(
        spec=spec, training=windows(90, rng), validation=windows(20, rng), fingerprint="f00"
    )
    return replace(made, **changes)


def settings(out: Path, **changes: Any) -> TrainConfig:
    plain: dict[str, Any] = {
        "data": Path("toys.zarr"),
        "out": out,
        "policy": "toy",
        "steps": 60,
        "batch_size": 32,
        "learning_rate": 0.05,
        "warmup": 5,
        "validate_every": 20,
        "checkpoint_every": 7,
        "log_every": 5,
        "keep": 2,
        "tensorboard": False,
        "device": "cpu",
        "threads": 1,
    }
    return TrainConfig(**{**plain, **changes})


def toy(**changes: Any) -> ToyConfig:
    return ToyConfig(**changes)


def run(out: Path, **changes: Any) -> TrainResult:
    return train_on(settings(out, **changes), training_set())


def everything(out: Path) -> dict[str, Any]:
    """All that two equal runs have in common: newest tensors to the bit, and the log without its times."""
    newest = out / "checkpoints" / "last"
    tensors = {
        **load_file(newest / "pretrained_model" / "model.safetensors"),
        **load_file(newest / "training_state" / "tensors.safetensors"),
    }
    timed = ("seconds", "cpu_seconds", "seconds_left", "steps_per_second")
    log = [
        {key: value for key, value in line.items() if key not in timed}
        for line in read_metrics(out / "metrics.jsonl")
    ]
    links = {name: str((out / "checkpoints" / name).readlink()) for name in ("best", "last")}
    return {
        "tensors": {key: value.numpy().tobytes() for key, value in tensors.items()},
        "log": log,
        "links": links,
    }


def state_of(out: Path) -> dict[str, Any]:
    """The numbers that a resumed run goes on from, without its times."""
    path = out / "checkpoints" / "last" / "training_state" / "state.json"
    state: dict[str, Any] = json.loads(path.read_text())
    return {key: value for key, value in state.items() if key not in ("seconds", "cpu_seconds")}


def weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = load_file(find_policy(checkpoint) / "model.safetensors")
    return found


def record(path: Path, episodes: int, returns: Sequence[float] | None = None) -> Path:
    """Demonstrations of the toy task on the disk; the first state of each tells which it is."""
    spec = training_set().spec
    metadata = Metadata(
        task=spec.task,
        workcell="none",
        observation_space=spec.observation_space,
        action_space=spec.action_space,
        control_period=spec.control_period,
    )
    rng = np.random.default_rng(0)
    with Recorder(path, metadata, commit_every=100) as recorder:
        for number in range(episodes):
            made = windows(10, rng)
            made.frames["state"][0] = number
            steps = {
                "observation.state": made.frames["state"],
                "action": made.action,
                "terminated": np.zeros(10, np.bool_),
                "truncated": np.arange(10) == 9,
            }
            reward = returns[number] if returns else None
            recorder.append(Demonstration(steps=steps, seed=number, total_reward=reward))
    return path


OFTEN: dict[str, Any] = {"steps": 200, "log_every": 1, "checkpoint_every": 4}
"""Settings that leave something to break at every instant."""


class Stop(Exception):
    """Breaks training off in a test."""
