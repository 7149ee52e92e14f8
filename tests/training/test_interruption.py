"""Ctrl-C saves where training stands, and the resumed run ends where the whole one does."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from toys import everything, run, settings, training_set

from ibc_gym.training.interruption import Interruption
from ibc_gym.training.records import TrainingProgress
from ibc_gym.training.trainer import train_on


@pytest.mark.usefixtures("toy_policy")
@pytest.mark.parametrize(("at", "saved"), [(1, "000002"), (15, "000016"), (60, "000060")])
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
    broken, whole = everything(tmp_path / "broken"), everything(tmp_path / "whole")
    assert broken["tensors"] == whole["tensors"]
    assert broken["links"] == whole["links"]


def test_second_ctrl_c_interrupts_at_once_and_afterwards_all_is_as_it_was() -> None:
    with Interruption() as interruption:
        asked = [interruption.asked]
        signal.raise_signal(signal.SIGINT)
        asked.append(interruption.asked)
        assert asked == [False, True]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_that_means_something_else_is_left_alone() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            signal.raise_signal(signal.SIGINT)
            assert not interruption.asked
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
