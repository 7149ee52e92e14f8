"""Demonstrations chosen by their return."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import training_set

from ibc_gym.data.dataset import Dataset
from ibc_gym.data.demonstration import Demonstration, Entry
from ibc_gym.data.metadata import Metadata
from ibc_gym.data.recorder import Recorder
from ibc_gym.data.selection import top_episodes
from ibc_gym.errors import ConfigError
from ibc_gym.records import Float64


class Returns:
    """As much of a data set as is looked at."""

    path = Path("somewhere.zarr")

    def __init__(self, returns: list[float]) -> None:
        self.returns: Float64 = np.array(returns, dtype=np.float64)
        self.entries = [
            Entry(length=1, seed=None, success=False, total_reward=each, fault=None, checksum="")
            for each in returns
        ]

    def __len__(self) -> int:
        return len(self.returns)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.floats(0.01, 1))
def test_none_that_is_left_out_was_better(returns: list[float], share: float) -> None:
    kept = top_episodes(Returns(returns), share)  # type: ignore[arg-type]
    assert share * len(returns) - 1e-6 <= len(kept) < share * len(returns) + 1
    assert sorted(set(kept.tolist())) == kept.tolist()
    others = np.delete(np.array(returns), kept)
    assert not others.size or others.max() <= np.array(returns)[kept].min()


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, [1, 3]), (0.75, [0, 1, 3]), (0.01, [1]), (1.0, [0, 1, 2, 3])]
)
def test_top_share_is_rounded_up_and_ties_go_to_the_earlier(
    share: float, expected: list[int]
) -> None:
    returns = Returns([2.0, 5.0, 2.0, 3.0])
    assert top_episodes(returns, share).tolist() == expected  # type: ignore[arg-type]


def test_seven_hundredths_of_a_hundred_are_seven() -> None:
    assert len(top_episodes(Returns([0.0] * 100), 0.07)) == 7  # type: ignore[arg-type]


def recorded(path: Path, rewards: list[float | None]) -> Dataset:
    spec = training_set().spec
    metadata = Metadata(
        task=spec.task,
        workcell="none",
        observation_space=spec.observation_space,
        action_space=spec.action_space,
        control_period=spec.control_period,
    )
    with Recorder(path, metadata) as recorder:
        for number, reward in enumerate(rewards):
            steps = {
                "observation.state": np.full((4, 3), number, np.float32),
                "action": np.zeros((4, 2), np.float32),
                "terminated": np.zeros(4, np.bool_),
                "truncated": np.arange(4) == 3,
            }
            recorder.append(Demonstration(steps=steps, seed=number, total_reward=reward))
    return Dataset.open(path)


def test_recorded_returns_are_what_is_ranked(tmp_path: Path) -> None:
    dataset = recorded(tmp_path / "demos.zarr", [1.0, -2.0, 7.0, 3.0])
    assert top_episodes(dataset, 0.5).tolist() == [2, 3]


def test_episodes_without_a_return_cannot_be_ranked_but_can_all_be_kept(tmp_path: Path) -> None:
    dataset = recorded(tmp_path / "demos.zarr", [1.0, None, 7.0])
    with pytest.raises(ConfigError, match=r"1 of 3 episodes have no return.*--keep-top 1"):
        top_episodes(dataset, 0.5)
    assert top_episodes(dataset, 1.0).tolist() == [0, 1, 2]
