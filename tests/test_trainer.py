"""Training holds its promises for any policy: here a small linear one that draws noise of every kind."""

from __future__ import annotations

import contextlib
import json
import math
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from gymnasium import spaces
from safetensors.torch import load_file

from ibc_gym import registry
from ibc_gym.checkpoint import find_policy, load_policy
from ibc_gym.contracts import PolicySpec
from ibc_gym.errors import (
    CheckpointError,
    ConfigError,
    IbcGymError,
    SpecMismatch,
    TrainingDiverged,
    UnknownName,
)
from ibc_gym.records import Windows
from ibc_gym.schedule import average_decay
from ibc_gym.telemetry import read_metrics
from ibc_gym.train_config import TrainConfig
from ibc_gym.trainer import train_on
from ibc_gym.training_records import TrainingProgress, TrainingSet, TrainResult


@dataclass(frozen=True, kw_only=True)
class ToyConfig:
    inputs: tuple[str, ...] = ("state",)
    history: int = 1
    frame: str | None = None
    errors: tuple[float, ...] = ()
    """What consecutive validations shall find; empty for the truth."""
    sick_from: int | None = None
    """Call of the loss from which `sickness` sets in."""
    sickness: str = ""


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
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))
        self.scale = 1.0
        self.validations = 0

    def fit(self, windows: Windows) -> None:
        self.scale = float(np.abs(windows.action).max())

    def encode(self, windows: Windows) -> ToyData:
        state = torch.from_numpy(windows.frames["state"][windows.index[:, -1]])
        return ToyData(state, torch.from_numpy(windows.action) / self.scale)

    def loss(
        self, batch: Mapping[str, torch.Tensor], generator: torch.Generator
    ) -> tuple[torch.Tensor, Mapping[str, torch.Tensor]]:
        state = torch.nn.functional.dropout(batch["state"], 0.1, self.training)
        noise = 0.01 * torch.randn(state.shape, generator=generator, device=state.device)
        error = (self.linear(state + noise) - batch["action"]).square().mean()
        energy = error.detach()
        if self.config.sick_from is not None and int(self.calls) >= self.config.sick_from:
            error, energy = sicken(self.config.sickness, error, energy)
        self.calls += 1
        return error, {"energy_positive": energy}

    def validate(
        self, batch: Mapping[str, torch.Tensor], generator: torch.Generator
    ) -> Mapping[str, float]:
        assert not self.training
        torch.rand(7)  # a policy may draw from PyTorch's own stream, too
        if self.config.errors:
            self.validations += 1
            return {"action_error": self.config.errors[self.validations - 1]}
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


@pytest.fixture(autouse=True)
def toy_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "POLICIES", {**registry.POLICIES, "toy": f"{__name__}:Toy"})
    monkeypatch.setattr("ibc_gym.trainer.POLICIES", registry.POLICIES)
    monkeypatch.setattr("ibc_gym.checkpoint.POLICIES", registry.POLICIES)
    monkeypatch.setattr("ibc_gym.atomic._flush", lambda path: None)  # no power is cut here


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


def weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = load_file(find_policy(checkpoint) / "model.safetensors")
    return found


def test_training_lowers_loss_and_held_out_error(tmp_path: Path) -> None:
    result = run(tmp_path, steps=300)
    log = read_metrics(tmp_path / "metrics.jsonl")
    held_out = [line["validation"]["action_error"] for line in log if line["validation"]]
    assert log[-1]["train"]["loss"] < 0.2 * log[0]["train"]["loss"]
    assert held_out[-1] < 0.5 * held_out[0]
    assert result.steps == 300
    assert result.action_error == min(held_out)


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(tmp_path / name, seed=seed)
    assert everything(tmp_path / "a") == everything(tmp_path / "b")
    assert everything(tmp_path / "a")["tensors"] != everything(tmp_path / "c")["tensors"]


def test_training_leaves_the_global_stream_and_threads_alone(tmp_path: Path) -> None:
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    run(tmp_path)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads


def test_how_often_is_validated_and_saved_does_not_change_what_is_learned(tmp_path: Path) -> None:
    run(tmp_path / "a")
    run(tmp_path / "b", validate_every=3, checkpoint_every=11, log_every=9)
    first, second = everything(tmp_path / "a"), everything(tmp_path / "b")
    assert first["tensors"] == second["tensors"]


class Stop(Exception):
    """Breaks training off in a test."""


@pytest.mark.parametrize("at", [1, 5, 7, 20, 35, 60])
def test_run_broken_off_anywhere_and_resumed_equals_the_whole_one(tmp_path: Path, at: int) -> None:
    run(tmp_path / "whole")

    def stop(progress: TrainingProgress) -> None:
        if progress.step >= at:
            raise Stop

    with pytest.raises(Stop):
        train_on(settings(tmp_path / "broken"), training_set(), stop)
    result = train_on(settings(tmp_path / "broken", resume=True), training_set())
    assert result.steps == 60
    assert everything(tmp_path / "broken") == everything(tmp_path / "whole")


OFTEN: dict[str, Any] = {"steps": 200, "log_every": 1, "checkpoint_every": 4}
CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
import test_trainer as t
t.registry.POLICIES["toy"] = "test_trainer:Toy"
config = t.settings(t.Path(sys.argv[2]), resume=True, **t.OFTEN)
t.train_on(config, t.training_set(), lambda progress: print(progress.step, flush=True))
"""


def test_process_killed_at_random_instants_and_resumed_equals_the_whole_run(tmp_path: Path) -> None:
    """Real processes, `kill -9`: in an update, in a checkpoint, in a line of the log, wherever it hits."""
    run(tmp_path / "whole", **OFTEN)
    rng = np.random.default_rng()
    command = [sys.executable, "-c", CHILD, str(Path(__file__).parent), str(tmp_path / "killed")]
    for _ in range(3):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for _ in range(int(rng.integers(1, 60))):
                child.stdout.readline()
            child.kill()
    train_on(settings(tmp_path / "killed", resume=True, **OFTEN), training_set())
    assert everything(tmp_path / "killed") == everything(tmp_path / "whole")
    left = sorted(path.name for path in (tmp_path / "killed" / "checkpoints").iterdir())
    assert left == sorted(path.name for path in (tmp_path / "whole" / "checkpoints").iterdir())


def test_finished_run_that_is_resumed_stays_as_it_is(tmp_path: Path) -> None:
    run(tmp_path)
    before = everything(tmp_path)
    result = run(tmp_path, resume=True)
    assert result.steps == 60
    assert everything(tmp_path) == before


def test_resuming_nothing_begins_anew(tmp_path: Path) -> None:
    run(tmp_path / "a", resume=True)
    run(tmp_path / "b")
    assert everything(tmp_path / "a")["tensors"] == everything(tmp_path / "b")["tensors"]


def test_saved_weights_are_the_average_of_all_by_its_rule(tmp_path: Path) -> None:
    often: dict[str, Any] = {"steps": 15, "checkpoint_every": 1, "keep": 15}
    run(tmp_path / "raw", average_decay=None, **often)
    run(tmp_path / "averaged", average_decay=0.7, **often)
    start = Toy(ToyConfig(), training_set().spec)
    average = {key: torch.zeros_like(value) for key, value in start.state_dict().items()}
    average.pop("calls")
    decay_product = 1.0
    for step in range(15):
        decay = average_decay(step, 0.7)
        decay_product *= decay
        new = weights(tmp_path / "raw" / "checkpoints" / f"{step + 1:06d}")
        for key in average:
            average[key] = decay * average[key] + (1 - decay) * new[key]
    found = weights(tmp_path / "averaged" / "checkpoints" / "000015")
    for (
        key,
        value,
    ) in average.items():  # the first weights count with the product of all decays, 6e-6
        assert decay_product < 1e-3
        torch.testing.assert_close(found[key], value, atol=1e-2 * decay_product**0.5, rtol=1e-3)


def test_checkpoint_is_chosen_by_held_out_action_error_and_the_log_says_so(tmp_path: Path) -> None:
    seen: list[TrainingProgress] = []
    config = settings(tmp_path, policy_config=toy(errors=(0.5, 0.2, 0.3)))
    result = train_on(config, training_set(), seen.append)
    checkpoints = tmp_path / "checkpoints"
    assert str((checkpoints / "best").readlink()) == "000040"
    assert str((checkpoints / "last").readlink()) == "000060"
    assert (result.best_step, result.action_error) == (40, 0.2)
    assert result.checkpoint == checkpoints.resolve() / "000040"
    assert seen[-1].note == "Chose checkpoint 000040 by the least held-out action error, 0.2."
    about = json.loads((find_policy(tmp_path) / "config.json").read_text())["about"]
    assert about["step"] == 40
    assert about["held_out_action_error"] == 0.2
    assert about["dataset"] == "f00"


def test_only_the_newest_checkpoints_and_the_best_are_kept(tmp_path: Path) -> None:
    run(tmp_path, policy_config=toy(errors=(0.1, 0.2, 0.3)), keep=2)
    names = {path.name for path in (tmp_path / "checkpoints").iterdir() if not path.is_symlink()}
    assert names == {"000020", "000056", "000060"}


def test_without_held_out_episodes_the_last_checkpoint_is_the_best(tmp_path: Path) -> None:
    seen: list[TrainingProgress] = []
    train_on(settings(tmp_path), training_set(validation=None), seen.append)
    assert (tmp_path / "checkpoints" / "best").readlink() == Path("000060")
    assert "Nothing was held out" in seen[-1].note


@pytest.mark.parametrize(
    "sickness, words",
    [
        ("loss", "step 30: loss became nan"),
        ("energy", "step 30: energy_positive exploded to 1e"),
        ("slope", "step 30: parameter_gradient_norm became nan"),
    ],
)
def test_divergence_stops_with_a_diagnosis_and_keeps_the_last_good_checkpoint(
    tmp_path: Path, sickness: str, words: str
) -> None:
    with pytest.raises(TrainingDiverged) as caught:
        run(tmp_path, policy_config=toy(sick_from=30, sickness=sickness))
    message = str(caught.value)
    for part in (words, "learning rate 0.0", "energy_positive", "Try", "000028"):
        assert part in message
    assert math.isfinite(weights(tmp_path)["linear.weight"].sum())
    assert (tmp_path / "checkpoints" / "last").readlink() == Path("000028")
    load_policy(tmp_path)


def test_divergence_at_the_first_update_points_at_the_data(tmp_path: Path) -> None:
    with pytest.raises(
        TrainingDiverged, match=r"NaN or huge values in the data(.|\n)*None was saved"
    ):
        run(tmp_path, policy_config=toy(sick_from=0, sickness="loss"))


def test_policy_that_chooses_no_number_diverges(tmp_path: Path) -> None:
    with pytest.raises(TrainingDiverged, match="held-out action error became nan at step 20"):
        run(tmp_path, policy_config=toy(errors=(math.nan,)))


def test_budget_ends_training_in_time_with_the_schedule_at_its_end(tmp_path: Path) -> None:
    ticks = iter(range(10**6))
    seen: list[TrainingProgress] = []
    config = settings(tmp_path, budget_cpu_seconds=300.0, log_every=1)
    result = train_on(config, training_set(), seen.append, clock=lambda: float(next(ticks)))
    assert 10 < result.steps < 300
    assert seen[-1].cpu_seconds >= 300
    assert seen[-1].share == 1
    rates = [progress.learning_rate for progress in seen[config.warmup :]]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.01 * config.learning_rate


def test_interrupted_budget_counts_the_time_before(tmp_path: Path) -> None:
    ticks = iter(range(10**6))

    def stop(progress: TrainingProgress) -> None:
        if progress.cpu_seconds > 200:
            raise Stop

    config = settings(tmp_path, budget_cpu_seconds=300.0, log_every=1, checkpoint_every=1)
    with contextlib.suppress(Stop):
        train_on(config, training_set(), stop, clock=lambda: float(next(ticks)))
    seen: list[TrainingProgress] = []
    fresh = iter(range(10**6))
    again = replace(config, resume=True)
    train_on(again, training_set(), seen.append, clock=lambda: float(next(fresh)))
    assert next(fresh) < 200
    assert seen[-1].cpu_seconds >= 300


@pytest.mark.parametrize(
    "changes",
    [
        {"schedule": "constant"},
        {"clip_gradient": 1e-3},
        {"weight_decay": 0.5},
        {"precision": "bfloat16"},
        {"adam_epsilon": 1e-2},
        {"average_decay": None},
        {"batch_size": 200},
    ],
)
def test_option_has_an_effect(tmp_path: Path, changes: dict[str, Any]) -> None:
    run(tmp_path / "plain")
    run(tmp_path / "changed", **changes)
    plain, changed = weights(tmp_path / "plain"), weights(tmp_path / "changed")
    assert not torch.equal(plain["linear.weight"], changed["linear.weight"])
    assert torch.isfinite(changed["linear.weight"]).all()


def test_folder_that_holds_a_run_is_not_overwritten(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(ConfigError, match=r"already holds a training run.*--resume"):
        run(tmp_path)


def test_run_cannot_be_resumed_with_other_settings(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(ConfigError, match=r"begun with learning_rate 0\.05, but.*0\.1"):
        run(tmp_path, learning_rate=0.1, resume=True)


def test_run_cannot_be_resumed_on_other_data(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(CheckpointError, match=r"other data.*f00.*bad"):
        train_on(settings(tmp_path, resume=True), training_set(fingerprint="bad"))


def test_damaged_training_state_is_named(tmp_path: Path) -> None:
    run(tmp_path)
    newest = tmp_path / "checkpoints" / "last" / "training_state" / "tensors.safetensors"
    newest.write_bytes(newest.read_bytes()[:50])
    with pytest.raises(CheckpointError, match=r"training state in .*000060 is damaged"):
        run(tmp_path, resume=True)


@pytest.mark.parametrize(
    "changes, kind, words",
    [
        ({"policy": "toi"}, UnknownName, "Did you mean 'toy'"),
        ({"policy": "mse", "policy_config": ToyConfig()}, ConfigError, "not a ToyConfig"),
        ({"policy_config": ToyConfig(inputs=("image",))}, SpecMismatch, "image"),
        ({"device": "abacus"}, ConfigError, "abacus"),
    ],
)
def test_wrong_choice_is_refused_before_training(
    tmp_path: Path, changes: dict[str, Any], kind: type[IbcGymError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        run(tmp_path, **changes)


def test_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="Cannot write to"):
        run(tmp_path / "file" / "run")


def test_training_without_data_is_refused(tmp_path: Path) -> None:
    empty = windows(0, np.random.default_rng(0))
    with pytest.raises(ConfigError, match="no windows"):
        train_on(settings(tmp_path), training_set(training=empty))


@pytest.mark.slow
def test_compiled_training_learns_the_same(tmp_path: Path) -> None:
    run(tmp_path / "plain")
    run(tmp_path / "compiled", compile=True)
    plain, compiled = weights(tmp_path / "plain"), weights(tmp_path / "compiled")
    torch.testing.assert_close(plain["linear.bias"], compiled["linear.bias"], atol=0.2, rtol=0.2)
