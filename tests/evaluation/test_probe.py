"""The probe times what it says, and processes are used where they pay."""

from __future__ import annotations

import numpy as np

from ibc_gym.evaluation.probe import WARM_UP, WORTH_A_PROCESS, Probe, choose_workers, probe
from ibc_gym.evaluation.stage import Stage
from ibc_gym.threads import usable_cores

STAGE = Stage(policy="oracle", env="particle", workcell=None, observation="state", options={})


def cost(seconds: float) -> Probe:
    return Probe(act_seconds=np.ones(1), seconds_per_episode=seconds)


def test_enough_episodes_are_run_for_the_steps_that_are_asked_for() -> None:
    found = probe(STAGE, range(100), 60)
    assert found is not None
    assert len(found.act_seconds) == 2 * 50 - WARM_UP
    assert (found.act_seconds > 0).all()
    assert found.seconds_per_episode >= found.act_seconds.sum() / 2


def test_few_seeds_end_the_probe_early() -> None:
    found = probe(STAGE, [3], 1000)
    assert found is not None
    assert len(found.act_seconds) == 50 - WARM_UP


def test_probe_can_be_left_out() -> None:
    assert probe(STAGE, range(10), 0) is None


def test_short_evaluations_stay_in_one_process() -> None:
    assert choose_workers(0, 100, cost(WORTH_A_PROCESS / 101)) == 1
    assert choose_workers(0, 100, cost(WORTH_A_PROCESS / 99)) == usable_cores()
    assert choose_workers(0, 100, None) == usable_cores()
    assert choose_workers(3, 100, cost(0.0)) == 3


def test_every_action_is_told_of_while_they_are_timed() -> None:
    heard: list[int] = []
    probe(STAGE, [3], 5, heard.append)
    assert heard == list(range(1, 51))  # the episode is run to its end
