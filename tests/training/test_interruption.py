"""Ctrl-C saves where training stands, and the resumed run ends where the whole one does."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from toys import everything, run, settings, state_of, toy, training_set

from ibc_gym.training.config import RollbackConfig
from ibc_gym.training.interruption import Interruption
from ibc_gym.training.records import TrainingProgress
from ibc_gym.training.telemetry import read_metrics
from ibc_gym.training.trainer import train_on


@pytest.mark.usefixtures("toy_policy")
@pytest.mark.parametrize(
    ("at", "saved"),
    [(1, "000002"), (15, "000016"), (35, "000036"), (55, "000056"), (56, "000057"), (60, "000060")],
)
def test_ctrl_c_saves_the_next_update_and_nothing_is_lost(
    tmp_path: Path, at: int, saved: str
) -> None:
    run(tmp_path / "whole")

    def interrupt(progress: TrainingProgress) -> None:
        if progress.step == at:
            signal.raise_signal(signal.SIGINT)

    if at < 60:
        with pytest.raises(KeyboardInterrupt):
            train_on(settings(tmp_path / "broken"), training_set(), interrupt)
    else:  # it came too late to interrupt anything
        train_on(settings(tmp_path / "broken"), training_set(), interrupt)
    assert (tmp_path / "broken" / "checkpoints" / "last").readlink() == Path(saved)
    train_on(settings(tmp_path / "broken", resume=True), training_set())
    assert everything(tmp_path / "broken") == everything(tmp_path / "whole")
    assert state_of(tmp_path / "broken") == state_of(tmp_path / "whole")


@pytest.mark.usefixtures("toy_policy")
def test_run_that_was_stopped_between_two_reports_rolls_back_to_where_the_whole_one_does(
    tmp_path: Path,
) -> None:
    sick = toy(sick_from=24, sick_faster_than=0.012, sickness="loss")
    changes = {"policy_config": sick, "rollback": RollbackConfig(patience=1)}
    run(tmp_path / "whole", **changes)

    def interrupt(progress: TrainingProgress) -> None:
        if progress.step == 21:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train_on(settings(tmp_path / "broken", **changes), training_set(), interrupt)
    assert (tmp_path / "broken" / "checkpoints" / "last").readlink() == Path("000022")
    train_on(settings(tmp_path / "broken", resume=True, **changes), training_set())
    assert everything(tmp_path / "broken") == everything(tmp_path / "whole")
    backs = [line["rolled_back_to"] for line in read_metrics(tmp_path / "broken" / "metrics.jsonl")]
    assert [to for to in backs if to is not None] == [20]


@pytest.fixture
def usual_signals() -> Iterator[None]:
    """As a process has them that no `nohup` began."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("toy_policy", "usual_signals")
@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGHUP))
def test_batch_systems_and_lost_connections_cost_no_update_either(
    tmp_path: Path, number: signal.Signals
) -> None:
    def interrupt(progress: TrainingProgress) -> None:
        if progress.step == 15:
            signal.raise_signal(number)

    with pytest.raises(KeyboardInterrupt, match=number.name):
        train_on(settings(tmp_path / "broken"), training_set(), interrupt)
    assert (tmp_path / "broken" / "checkpoints" / "last").readlink() == Path("000016")
    assert signal.getsignal(number) is signal.SIG_DFL


def test_second_ctrl_c_interrupts_at_once_and_afterwards_all_is_as_it_was() -> None:
    with Interruption() as interruption:
        asked = [interruption.asked]
        signal.raise_signal(signal.SIGINT)
        asked.append(interruption.asked)
        assert asked == [False, True]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("usual_signals")
def test_second_request_is_told_by_its_own_name() -> None:
    with Interruption():
        signal.raise_signal(signal.SIGHUP)
        with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
            signal.raise_signal(signal.SIGTERM)


def test_ctrl_c_that_means_something_else_is_left_alone() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            signal.raise_signal(signal.SIGINT)
            assert not interruption.asked
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
