"""The recorder writes what happened, each number beside the observation that it belongs to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from ibc_gym.data import storage
from ibc_gym.data.dataset import Dataset
from ibc_gym.data.demonstration import Demonstration
from ibc_gym.data.metadata import Metadata, describe
from ibc_gym.data.recorder import Recorder
from ibc_gym.data.selection import top_episodes
from ibc_gym.errors import ConfigError, RobotFault, SpecMismatch
from ibc_gym.records import Bool, Float32, Observation
from ibc_gym.rollout import rollout

SHAPE = (8, 8, 3)


class Told(gymnasium.Env[Any, Any]):
    """Lasts `seed % 5 + 1` steps; every truth tells the seed and the step it belongs to."""

    observation_space = spaces.Dict(
        {
            "state": spaces.Box(-np.inf, np.inf, (2,), np.float32),
            "image": spaces.Box(0, 255, SHAPE, np.uint8),
        }
    )
    action_space = spaces.Box(-1, 1, (1,), np.float32)
    faulty_seed: int | None = None
    faulty_step = 2

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        assert seed is not None
        self.seed, self.at = seed, 0
        return self._observe(), self._info(np.zeros(1, np.float32))

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        if self.seed == self.faulty_seed and self.at == self.faulty_step:
            raise RobotFault("C31: collision")
        self.at += 1
        over = self.at == self.seed % 5 + 1
        terminated = over and self.seed % 2 == 0
        info = self._info(np.float32(0.5) * action)
        return self._observe(), float(self.at), terminated, over and not terminated, info

    def _observe(self) -> dict[str, Any]:
        return {
            "state": np.array([self.seed, self.at], np.float32),
            "image": np.full(SHAPE, (self.seed * 10 + self.at) % 256, np.uint8),
        }

    def _info(self, sent: Any) -> dict[str, Any]:
        return {
            "is_success": self.seed % 3 == 0 and self.at > 0,
            "success": self.seed % 3 == 0 and self.at > 0,
            "action_sent": sent,
            "capture_time": {"robot": 100.0 * self.seed + self.at, "front": 0.5 + self.at},
            "frame_number": {"front": 1000 * self.seed + self.at},
            "deadline_missed": self.at == 2,
            "interventions": self.at // 2,
            "distance to goal": 10.0 - self.at,
        }


class Constant:
    """Always does the same."""

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        pass

    def act(self, observation: Observation) -> Float32:
        return np.full((len(observation["state"]), 1), 0.5, np.float32)


def make_envs(count: int, kind: type[Told] = Told) -> SyncVectorEnv:
    return SyncVectorEnv([kind] * count, autoreset_mode=AutoresetMode.DISABLED)


def metadata() -> Metadata:
    return describe(make_envs(1), task="gym:Told", control_period=1.0, demonstrator="constant")


@pytest.mark.parametrize("count", [1, 3, 7])
def test_every_truth_lies_beside_its_observation(tmp_path: Path, count: int) -> None:
    with Recorder(tmp_path / "d.zarr", metadata(), commit_every=4) as recorder:
        rollout(make_envs(count), Constant(), range(10), [recorder])
    dataset = Dataset.open(tmp_path / "d.zarr", verify=True)
    assert recorder.summary.episodes == len(dataset) == 10
    assert recorder.summary.steps == dataset.steps == 30
    for number in range(10):
        episode = dataset.episode(number)
        seed, length = episode.seed, episode.length
        assert seed is not None and length == seed % 5 + 1
        at, after = np.arange(length), np.arange(1, length + 1)
        steps, facts = episode.steps, episode.facts
        assert steps["observation.state"].tolist() == [[seed, step] for step in at]
        assert steps["observation.image"][:, 0, 0, 0].tolist() == (seed * 10 + at).tolist()
        assert steps["action"].tolist() == [[0.5]] * length
        assert steps["action_sent"].tolist() == [[0.25]] * length
        assert steps["reward"].tolist() == after.tolist()
        assert steps["time.robot"].tolist() == (100.0 * seed + at).tolist()
        assert steps["time.front"].tolist() == (0.5 + at).tolist()
        assert steps["frame_number.front"].tolist() == (1000 * seed + at).tolist()
        assert steps["deadline_missed"].tolist() == (after == 2).tolist()
        assert steps["interventions"].tolist() == (after // 2).tolist()
        assert steps["progress.distance_to_goal"].tolist() == (10.0 - after).tolist()
        assert steps["terminated"].any() == (seed % 2 == 0)
        assert steps["truncated"][-1] == (seed % 2 == 1)
        assert facts["final_observation.state"].tolist() == [seed, length]
        assert facts["final_observation.image"][0, 0, 0] == seed * 10 + length
        assert facts["final_time.robot"] == 100.0 * seed + length
        assert facts["final_frame_number.front"] == 1000 * seed + length
        assert episode.success is (seed % 3 == 0)
        assert episode.total_reward == after.sum()


def test_one_commit_holds_its_episodes_in_the_order_of_their_seeds(tmp_path: Path) -> None:
    with Recorder(tmp_path / "d.zarr", metadata(), commit_every=10) as recorder:
        rollout(make_envs(4), Constant(), range(10), [recorder])
    assert [entry.seed for entry in Dataset.open(tmp_path / "d.zarr").entries] == list(range(10))


def test_long_episodes_outgrow_the_first_buffers(tmp_path: Path) -> None:
    class Long(Told):
        def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
            self.at += 1
            return self._observe(), 1.0, False, self.at == 300, self._info(action)

    with Recorder(tmp_path / "d.zarr", metadata()) as recorder:
        rollout(make_envs(2, Long), Constant(), [0, 1], [recorder])
    dataset = Dataset.open(tmp_path / "d.zarr")
    assert dataset.lengths.tolist() == [300, 300]
    assert dataset.column("observation.state")[:, 1].tolist() == [*range(300), *range(300)]


def test_successes_only_leaves_failures_out_and_counts_them(tmp_path: Path) -> None:
    with Recorder(tmp_path / "d.zarr", metadata(), successes_only=True) as recorder:
        rollout(make_envs(2), Constant(), range(10), [recorder])
    assert recorder.summary.failures_left_out == 6
    assert sorted(entry.seed or 0 for entry in Dataset.open(tmp_path / "d.zarr").entries) == [
        0,
        3,
        6,
        9,
    ]


class Faulty(Told):
    faulty_seed = 4


def test_fault_keeps_finished_episodes_and_says_what_it_drops(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(tmp_path / "d.zarr", metadata(), commit_every=100)
    with pytest.raises(RobotFault), recorder:
        rollout(make_envs(1, Faulty), Constant(), range(10), [recorder])
    assert [entry.seed for entry in Dataset.open(tmp_path / "d.zarr").entries] == [0, 1, 2, 3]
    assert recorder.summary.unfinished == 1
    assert "d.zarr: 1 unfinished episode; whole in it: 4." in caplog.text


def test_fault_can_keep_the_episode_in_progress_and_marks_it(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "d.zarr", metadata(), keep_interrupted=True)
    with pytest.raises(RobotFault), recorder:
        rollout(make_envs(1, Faulty), Constant(), range(10), [recorder])
    dataset = Dataset.open(tmp_path / "d.zarr")
    last = dataset.episode(4)
    assert last.seed == 4 and last.length == 2 and last.fault == "RobotFault: C31: collision"
    assert last.steps["truncated"].tolist() == [False, True]
    assert last.facts["final_observation.state"].tolist() == [4, 2]
    assert [entry.fault for entry in dataset.entries[:4]] == [None] * 4
    assert recorder.summary.unfinished == 0


@pytest.mark.parametrize("successes_only", [True, False])
def test_cut_off_episode_is_kept_where_only_successes_are(
    tmp_path: Path, successes_only: bool
) -> None:
    recorder = Recorder(
        tmp_path / "d.zarr", metadata(), keep_interrupted=True, successes_only=successes_only
    )
    with pytest.raises(RobotFault), recorder:
        rollout(make_envs(1, Faulty), Constant(), range(10), [recorder])
    kept = Dataset.open(tmp_path / "d.zarr")
    assert [entry.seed for entry in kept.entries if entry.fault] == [4]
    assert not kept.success[-1] and 4 not in [kept[n].seed for n in top_episodes(kept, 1.0)]


class Bare(Told):
    """Tells hardly anything, so that a commit has few files and few instants between them."""

    observation_space = spaces.Dict({"state": Told.observation_space["state"]})

    def _observe(self) -> dict[str, Any]:
        return {"state": np.array([self.seed, self.at], np.float32)}

    def _info(self, sent: Any) -> dict[str, Any]:
        return {"is_success": False, "success": False}


@pytest.mark.slow
def test_ctrl_c_anywhere_in_a_commit_writes_every_episode_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush = storage._flush
    interrupted = 0
    bare = describe(make_envs(1, Bare), task="gym:Bare", control_period=1.0, demonstrator="none")
    for instant in range(100):
        left = [instant]

        def stop(path: Path, left: list[int] = left) -> None:
            flush(path)
            left[0] -= 1
            if left[0] == -1:
                raise KeyboardInterrupt

        out = tmp_path / f"{instant}.zarr"
        recorder = Recorder(out, bare, commit_every=3)
        monkeypatch.setattr(storage, "_flush", stop)
        try:
            with recorder:
                rollout(make_envs(1, Bare), Constant(), range(3), [recorder])
        except KeyboardInterrupt:
            interrupted += 1
        assert [entry.seed for entry in Dataset.open(out, verify=True).entries] == [0, 1, 2]
        assert recorder.summary.episodes == 3
        if left[0] >= 0:
            break
    assert interrupted > 10


def test_more_facts_are_stored_with_the_episode_that_began(tmp_path: Path) -> None:
    envs = make_envs(3)

    def state(row: int) -> dict[str, Any]:
        return {"simulation_state": np.array([envs.envs[row].get_wrapper_attr("seed")])}

    with Recorder(tmp_path / "d.zarr", metadata(), facts=state) as recorder:
        rollout(envs, Constant(), range(10), [recorder])
    dataset = Dataset.open(tmp_path / "d.zarr")
    seeds = [entry.seed for entry in dataset.entries]
    assert dataset.fact("simulation_state")[:, 0].tolist() == seeds


def test_recording_goes_on_in_a_data_set_of_the_same_spaces(tmp_path: Path) -> None:
    for seeds in (range(3), range(3, 5)):
        with Recorder(tmp_path / "d.zarr", metadata()) as recorder:
            rollout(make_envs(1), Constant(), seeds, [recorder])
    dataset = Dataset.open(tmp_path / "d.zarr", verify=True)
    assert sorted(entry.seed or 0 for entry in dataset.entries) == [0, 1, 2, 3, 4]


def test_closed_recorder_refuses_more_and_closes_twice(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "d.zarr", metadata())
    recorder.close()
    recorder.close()
    with pytest.raises(ConfigError, match="closed"):
        rollout(make_envs(1), Constant(), [0], [recorder])


def good() -> dict[str, Any]:
    return {
        "observation.state": np.zeros((2, 2), np.float32),
        "observation.image": np.zeros((2, *SHAPE), np.uint8),
        "action": np.zeros((2, 1), np.float32),
        "terminated": np.zeros(2, np.bool_),
        "truncated": np.array([False, True]),
    }


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"action": np.zeros((2, 3), np.float32)}, r"action is float32 of shape \(3,\)"),
        ({"action": np.zeros((2, 1), np.float64)}, "action is float64"),
        ({"action": np.array([[0], [np.nan]], np.float32)}, "action is not finite at step 1"),
        (
            {"observation.state": np.full((2, 2), np.inf, np.float32)},
            r"observation\.state is not finite at step 0",
        ),
        ({"extra.more": np.zeros(3)}, r"extra\.more has 3 rows in an episode of 2"),
        ({"extra/more": np.zeros(2)}, "cannot name an array"),
        ({"truncated": None}, "lacks truncated"),
    ],
)
def test_episode_that_does_not_fit_is_refused_with_the_reason(
    tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    steps = {name: array for name, array in {**good(), **changes}.items() if array is not None}
    with Recorder(tmp_path / "d.zarr", metadata()) as recorder:
        with pytest.raises(SpecMismatch, match=complaint):
            recorder.append(Demonstration(steps=steps))
        recorder.append(Demonstration(steps=good()))
    assert len(Dataset.open(tmp_path / "d.zarr")) == 1


def test_episode_without_steps_is_refused(tmp_path: Path) -> None:
    empty = {name: array[:0] for name, array in good().items()}
    with (
        Recorder(tmp_path / "d.zarr", metadata()) as recorder,
        pytest.raises(SpecMismatch, match="no steps"),
    ):
        recorder.append(Demonstration(steps=empty))


def test_episodes_with_other_columns_go_into_their_own_segment(tmp_path: Path) -> None:
    with Recorder(tmp_path / "d.zarr", metadata(), commit_every=10) as recorder:
        recorder.append(Demonstration(steps=good()))
        recorder.append(Demonstration(steps={**good(), "reward": np.ones(2)}))
    dataset = Dataset.open(tmp_path / "d.zarr", verify=True)
    assert len(dataset) == 2 and len(dataset.segments) == 2
    assert "reward" not in dataset.columns and "reward" in dataset.episode(1).steps


@pytest.fixture
def locked_folder() -> Iterator[Path]:
    """A folder that nobody may write to; root, whom permissions do not bind, becomes nobody."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield folder
    if user == 0:
        os.seteuid(0)
    folder.chmod(0o755)
    folder.rmdir()


def test_folder_that_cannot_be_written_is_named_before_any_work(locked_folder: Path) -> None:
    for path in (locked_folder, locked_folder / "d.zarr"):
        with pytest.raises(ConfigError, match="Cannot write to"):
            Recorder(path, metadata())


def test_data_set_in_a_folder_that_cannot_be_written_can_be_read(tmp_path: Path) -> None:
    with Recorder(tmp_path / "d.zarr", metadata()) as recorder:
        recorder.append(Demonstration(steps=good()))
    for folder in (tmp_path / "d.zarr").rglob("*"):
        folder.chmod(0o555 if folder.is_dir() else 0o444)
    dataset = Dataset.open(tmp_path / "d.zarr", verify=True)
    assert len(dataset.windows(2)) == 2


def test_path_through_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="Cannot write to"):
        Recorder(tmp_path / "file" / "d.zarr", metadata())
