"""The order of the data, and numbers that are checked on their way."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.errors import TrainingDiverged
from ibc_gym.training.config import TrainConfig
from ibc_gym.training.divergence import PATIENCE_ON_GPU, Monitor
from ibc_gym.training.learner import Learner, Rows, own_randomness

CPU = torch.device("cpu")


@given(size=st.integers(1, 50), batch=st.integers(1, 70), seed=st.integers(0, 2**40))
def test_every_window_comes_once_per_epoch(size: int, batch: int, seed: int) -> None:
    rows = Rows(size, batch, seed, CPU)
    epochs = 3
    count = -(-epochs * size // batch)
    drawn = torch.cat([rows.batch(number) for number in range(count)])
    assert len(drawn) == count * batch
    for epoch in range(epochs):
        part = drawn[epoch * size : (epoch + 1) * size]
        assert sorted(part.tolist()) == list(range(size))


@given(number=st.integers(0, 40), seed=st.integers(0, 9))
def test_batch_depends_on_its_number_and_the_seed_alone(number: int, seed: int) -> None:
    walked = Rows(23, 8, seed, CPU)
    for before in range(number):
        walked.batch(before)
    assert torch.equal(walked.batch(number), Rows(23, 8, seed, CPU).batch(number))


def test_epochs_and_seeds_differ_in_order() -> None:
    orders = [Rows(50, 50, seed, CPU).batch(epoch).tolist() for seed in (0, 1) for epoch in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4


def record(value: float) -> dict[str, torch.Tensor]:
    return {"loss": torch.tensor(value), "energy_gap": torch.tensor(2 * value)}


def test_means_are_over_the_updates_since_they_were_last_taken() -> None:
    monitor = Monitor(1e6, CPU)
    for step, value in enumerate((1.0, 3.0)):
        monitor.add(step, 0.1, record(value))
    assert monitor.take_means() == {"loss": 2.0, "energy_gap": 4.0}
    monitor.add(2, 0.1, record(7.0))
    assert monitor.take_means() == {"loss": 7.0, "energy_gap": 14.0}


def test_number_that_ran_ahead_on_a_gpu_is_found_with_its_own_step() -> None:
    monitor = Monitor(1e6, CPU)
    monitor._patience = PATIENCE_ON_GPU  # as on a GPU, whose numbers are fetched together
    monitor.add(11, 0.1, record(1.0))
    monitor.add(12, 0.1, record(6e5))
    monitor.add(13, 0.1, record(1.0))
    with pytest.raises(TrainingDiverged, match=r"at step 12: energy_gap exploded to 1.2e\+06"):
        monitor.flush()


class Slope(torch.nn.Module):
    """One weight, whose gradient is the mean of the numbers in the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(2.0))

    def loss(
        self, batch: dict[str, torch.Tensor], generator: torch.Generator
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        return (self.weight * batch["x"]).mean(), {"middle": batch["x"].mean()}


class Numbers:
    """Training data: 1, 2, 3, ..."""

    def __len__(self) -> int:
        return 8

    def batch(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"x": rows + 1.0}


@pytest.mark.parametrize("micro_batch", [None, 3, 8])
def test_an_update_is_by_the_whole_batch_and_reports_it_once(
    micro_batch: int | None, tmp_path: Path
) -> None:
    config = TrainConfig(data=tmp_path, out=tmp_path, batch_size=8, micro_batch=micro_batch)
    policy: Any = Slope()
    learner = Learner(config, policy, policy, cast("Any", Numbers()), CPU)
    monitor = Monitor(1e6, CPU)
    learner.update(0.0, partial(monitor.add, 0, 0.0))
    assert policy.weight.grad.item() == pytest.approx(4.5)
    expected = {"loss": 9.0, "middle": 4.5, "parameter_gradient_norm": 4.5}
    assert monitor.take_means() == pytest.approx(expected)


def test_compiled_loss_that_is_no_number_is_looked_at_uncompiled_for_where_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Named(Slope):
        def loss(self, batch: Any, generator: torch.Generator) -> Any:
            if not torch.compiler.is_compiling():
                raise TrainingDiverged("The weight is not finite.")

    def compiled(loss: Any) -> Any:
        return lambda batch, generator: (torch.nan * policy.weight, {})

    policy: Any = Named()
    monkeypatch.setattr(torch, "compile", compiled)
    for by_compiler, told in ((True, "The weight is not finite"), (False, "loss became nan")):
        config = TrainConfig(data=tmp_path, out=tmp_path, batch_size=8, compile=by_compiler)
        learner = Learner(config, policy, policy, cast("Any", Numbers()), CPU)
        learner._loss = compiled(None)
        with pytest.raises(TrainingDiverged, match=told):
            learner.update(0.0, partial(Monitor(1e6, CPU).add, 3, 0.0))


def test_exponential_schedule_loses_a_hundredth_in_as_many_updates_as_it_is_told(
    tmp_path: Path,
) -> None:
    config = TrainConfig(
        data=tmp_path, out=tmp_path, schedule="exponential", decay_steps=3, warmup=0, batch_size=8
    )
    policy: Any = Slope()
    learner = Learner(config, policy, policy, cast("Any", Numbers()), CPU)
    for _ in range(7):
        learner.update(0.0, lambda record: None)
    assert learner.learning_rate == pytest.approx(config.learning_rate * 0.99 ** (6 // 3))


def test_run_goes_on_where_randomness_is_of_another_kind(tmp_path: Path) -> None:
    """A generator of a GPU has a state of 16 bytes: a new stream begins, the same one in every try."""
    config = TrainConfig(data=tmp_path, out=tmp_path, batch_size=8)
    streams = []
    for steps in (5, 5, 6):
        learner = Learner(
            config, cast("Any", Slope()), cast("Any", Slope()), cast("Any", Numbers()), CPU
        )
        found = {**learner.tensors(), "generator": torch.zeros(16, dtype=torch.uint8)}
        learner.restore(steps, found)
        assert learner.steps == steps
        streams.append(learner.tensors()["generator"])
    assert torch.equal(streams[0], streams[1])
    assert not torch.equal(streams[0], streams[2])


def test_own_stream_is_repeatable_and_hides_nothing_from_the_global_one() -> None:
    before = torch.get_rng_state()
    drawn = []
    for _ in range(2):
        with own_randomness(3, CPU):
            drawn.append(torch.rand(4).tolist())
    assert drawn[0] == drawn[1]
    assert torch.equal(before, torch.get_rng_state())
