from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rows import Row, of_every_row

from ibc_gym.data.dataset import Dataset
from ibc_gym.data.demonstration import Demonstration
from ibc_gym.data.importer import ImportConfig, import_npz
from ibc_gym.data.recorder import Recorder
from ibc_gym.envs.oracles.push import PushOracle
from ibc_gym.errors import ConfigError, UnknownName
from ibc_gym.record import STATE, RecordConfig, record
from ibc_gym.records import Float64, Observation
from ibc_gym.registry import make_env
from ibc_gym.replay import (
    ReplayConfig,
    make_recorded_env,
    recorded_workcell,
    replay,
    replay_episode,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def push_demos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("replay") / "push.zarr"
    record(RecordConfig(task="push", out=out, episodes=3, workers=1))
    return out


def rewritten(source: Path, out: Path, demonstrations: list[Demonstration]) -> Path:
    """The same data set with other episodes."""
    with Recorder(out, Dataset.open(source).metadata) as recorder:
        for demonstration in demonstrations:
            recorder.append(demonstration)
    return out


@of_every_row
def test_every_oracle_episode_replays_exactly_in_its_own_simulator(
    row: Row, tmp_path: Path
) -> None:
    """The first 40 steps of each, or all of one that takes no longer."""
    out = tmp_path / "demos.zarr"
    count = 1 if row.workcell == "pybullet" else 2  # which takes three times as long
    made: dict[str, Any] = {"task": row.task, "workcell": row.workcell, "episodes": count}
    record(RecordConfig(out=out, seed=40, workers=1, options={"horizon": 40}, **made))
    found = replay(ReplayConfig(data=out))
    assert [episode.seed for episode in found] == [40, 41][:count]
    assert all(episode.exact for episode in found)
    assert all(set(episode.largest.values()) == {0.0} for episode in found)
    assert all(episode.success_replayed == episode.success for episode in found)
    assert all(episode.total_reward_replayed == episode.total_reward for episode in found)


@pytest.mark.slow
@pytest.mark.parametrize("workcell", ["mujoco", "pybullet"])
@pytest.mark.parametrize("task, least", [("insert", 50), ("sort", 100)])
def test_whole_long_episodes_replay_exactly(
    task: str, least: int, workcell: str, tmp_path: Path
) -> None:
    """From the first touch to the last: what is not quite the same shows late."""
    out = tmp_path / "demos.zarr"
    record(RecordConfig(task=task, workcell=workcell, out=out, episodes=1, seed=1, workers=1))
    (found,) = replay(ReplayConfig(data=out))
    assert found.exact and found.success_replayed
    assert found.length == found.replayed >= least


def test_episodes_recorded_with_other_options_replay_with_those(tmp_path: Path) -> None:
    out = tmp_path / "demos.zarr"
    options = {"dimensions": 5, "hide_velocity": True}
    record(RecordConfig(task="particle", out=out, episodes=2, options=options, workers=1))
    assert all(episode.exact for episode in replay(ReplayConfig(data=out)))


@pytest.mark.parametrize("shaken", [0.0, 0.002])
def test_episodes_with_noise_on_the_actions_replay_exactly(shaken: float, tmp_path: Path) -> None:
    out = tmp_path / "noisy.zarr"
    options = {"horizon": 25, "randomisation": {"action_noise": shaken}}
    record(RecordConfig(task="push", out=out, episodes=3, noise=0.003, options=options, workers=1))
    steps = Dataset.open(out).episode(0).steps
    assert np.abs(steps["action"] - steps["action_sent"]).max() > 0.001
    assert all(episode.exact for episode in replay(ReplayConfig(data=out)))


@pytest.mark.parametrize("noise", [0.0, 0.003])
def test_episodes_with_random_actions_replay_exactly(noise: float, tmp_path: Path) -> None:
    out = tmp_path / "jolted.zarr"
    made: dict[str, Any] = {"noise": noise, "options": {"horizon": 25}, "workers": 1}
    record(RecordConfig(task="push", out=out, episodes=3, random_actions=0.2, **made))
    dataset = Dataset.open(out)
    apart = np.abs(dataset.column("action") - dataset.column("action_sent")).max(axis=1)
    assert 5 <= (apart > 0.015).sum() <= 25
    assert all(episode.exact for episode in replay(ReplayConfig(data=out)))


def test_noise_share_is_that_of_the_demonstrator_that_took_care(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def noise_share(oracle: PushOracle, observation: Observation) -> Float64:
        return np.full(len(observation["state"]), 0.2 if oracle.style.careful else 1.0)

    monkeypatch.setattr(PushOracle, "noise_share", noise_share, raising=False)
    out = tmp_path / "d.zarr"
    made: dict[str, Any] = {"task": "push", "options": {"horizon": 25}, "workers": 1}
    record(RecordConfig(out=out, episodes=1, noise=0.003, **made))
    assert all(episode.exact for episode in replay(ReplayConfig(data=out)))


@pytest.mark.parametrize("observation", ["state", pytest.param("image", marks=pytest.mark.slow)])
def test_noise_that_is_borne_at_times_replays_exactly(observation: str, tmp_path: Path) -> None:
    out = tmp_path / "noisy.zarr"
    options = {} if observation == "state" else {"image_size": (36, 64)}
    made: dict[str, Any] = {"task": "insert", "observation": observation, "options": options}
    record(RecordConfig(out=out, episodes=1, noise=0.001, workers=1, **made))
    demonstration = Dataset.open(out).episode(0)
    steps = demonstration.steps
    noise = np.abs(steps["action"] - steps["action_sent"]).max(axis=1)
    assert demonstration.success and noise.max() > 0.001
    assert (noise[-3:] < 1e-6).all()  # the block is in the slot
    (found,) = replay(ReplayConfig(data=out))
    assert found.exact


def test_episodes_of_several_workcells_and_settings_replay_each_with_its_own(
    tmp_path: Path,
) -> None:
    out = tmp_path / "mixed.zarr"
    made: tuple[dict[str, Any], ...] = (
        {"workcell": "mujoco"},
        {"workcell": "pybullet"},
        {"options": {"goal_tolerance": 0.01}},
        {"noise": 0.001},
    )
    for settings in made:
        record(RecordConfig(task="push", out=out, episodes=1, workers=1, **settings))
    found = replay(ReplayConfig(data=out))
    assert len(found) == len(made)
    assert all(episode.exact for episode in found)


def test_another_action_parts_from_its_step_on(push_demos: Path, tmp_path: Path) -> None:
    demonstration = Dataset.open(push_demos).episode(0)
    actions = np.array(demonstration.steps["action"])
    actions[10] = -actions[10]
    changed = replace(demonstration, steps={**demonstration.steps, "action": actions})
    (found,) = replay(
        ReplayConfig(data=rewritten(push_demos, tmp_path / "changed.zarr", [changed]))
    )
    assert not found.exact
    assert found.parts_at == 11  # what was seen at step 10 came before that action
    assert found.largest["state"] > 0
    names = Dataset.open(push_demos).origins[0][0].metadata.feature_names["state"]
    assert found.furthest["state"] in names
    assert found.total_reward == pytest.approx(demonstration.total_reward)


def test_stored_simulator_state_is_the_start_where_the_seed_gives_another(
    push_demos: Path, tmp_path: Path
) -> None:
    first = Dataset.open(push_demos).episode(0)
    assert STATE in first.facts
    moved = replace(first, seed=12345)
    (found,) = replay(ReplayConfig(data=rewritten(push_demos, tmp_path / "moved.zarr", [moved])))
    assert found.began_from == "simulator's state"
    assert found.largest["reward"] == 0.0  # the task's measures begin anew from there too
    assert found.success_replayed == first.success


def test_human_demonstrations_begin_where_the_person_began(tmp_path: Path) -> None:
    state = np.array([[100.0, 120.0, 250.0, 260.0, 0.5]], np.float32)
    np.savez(
        tmp_path / "pusht.npz",
        observations=np.repeat(state, 5, axis=0),
        actions=np.full((5, 2), 110.0, np.float32),
        episode_ends=np.array([5]),
        init_state=state.astype(np.float64),
    )
    out = tmp_path / "pusht.zarr"
    import_npz(ImportConfig(source=tmp_path / "pusht.npz", out=out))
    (found,) = replay(ReplayConfig(data=out))
    assert found.began_from == "recorded start"
    assert found.parts_at == 1  # the made-up recording stands still
    assert found.length == found.replayed == 5
    assert found.total_reward is None
    assert found.total_reward_replayed > 0


def test_an_episode_without_seed_or_start_is_refused(push_demos: Path) -> None:
    dataset = Dataset.open(push_demos)
    lost = replace(dataset.episode(0), seed=None, facts={})
    env = make_recorded_env(dataset.metadata)
    with pytest.raises(ConfigError, match="neither a seed nor a start"):
        replay_episode(env, lost)
    env.close()


@pytest.mark.parametrize("episodes", [(3,), (-1,), (0, 99)])
def test_episode_that_is_not_there_is_named(push_demos: Path, episodes: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="has 3 episodes"):
        replay(ReplayConfig(data=push_demos, episodes=episodes))


def test_another_workcell_is_asked_for_by_name(push_demos: Path) -> None:
    with pytest.raises(UnknownName, match="mujocco"):
        replay(ReplayConfig(data=push_demos, workcell="mujocco"))


@pytest.mark.parametrize("workcell", ["mujoco", "pybullet"])
def test_randomised_episodes_keep_what_was_drawn_and_replay_exactly(
    workcell: str, tmp_path: Path
) -> None:
    out = tmp_path / "varied.zarr"
    drawn = {"friction": 0.4, "mass": 0.4, "size": 0.03, "action_noise": 0.001, "latency": 1}
    record(
        RecordConfig(
            task="push",
            workcell=workcell,
            out=out,
            episodes=3,
            workers=1,
            options={"randomisation": drawn, "horizon": 30},
        )
    )
    dataset = Dataset.open(out)
    assert dataset.metadata.config["randomisation"]["friction"] == 0.4
    frictions = {
        float(dataset.episode(number).facts["variation.friction.block"]) for number in range(3)
    }
    assert len(frictions) == 3
    assert all(episode.exact for episode in replay(ReplayConfig(data=out)))


class TestRealTable:
    """Data that say they were recorded at the real table; what they hold was made in simulation."""

    @pytest.fixture
    def opened(self, monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
        """Workcells that environments were asked for."""
        found: list[str | None] = []

        def make(task: str, *, workcell: str | None, **options: Any) -> Any:
            found.append(workcell)
            return make_env(task, workcell=workcell, **options)

        monkeypatch.setattr("ibc_gym.replay.make_env", make)
        return found

    @pytest.fixture
    def at_the_table(self, push_demos: Path, tmp_path: Path) -> Path:
        source = Dataset.open(push_demos)
        metadata = replace(source.metadata, workcell="xarm")
        with Recorder(tmp_path / "real.zarr", metadata) as recorder:
            recorder.append(source.episode(0))
        return tmp_path / "real.zarr"

    def test_stored_actions_do_not_move_the_real_arm(
        self, at_the_table: Path, opened: list[str | None]
    ) -> None:
        with pytest.raises(ConfigError, match=r"recorded in workcell 'xarm'.*--workcell mujoco"):
            replay(ReplayConfig(data=at_the_table))
        with pytest.raises(ConfigError, match="--workcell mujoco"):
            make_recorded_env(Dataset.open(at_the_table).metadata)
        assert not opened

    def test_nor_if_it_is_asked_for_by_name(
        self, push_demos: Path, opened: list[str | None]
    ) -> None:
        with pytest.raises(ConfigError, match="would run in workcell 'xarm'"):
            replay(ReplayConfig(data=push_demos, workcell="xarm"))
        assert not opened

    def test_nor_after_episodes_of_a_simulation(
        self, push_demos: Path, at_the_table: Path, opened: list[str | None]
    ) -> None:
        (real,) = Dataset.open(at_the_table)
        mixed = rewritten(
            push_demos, at_the_table.with_name("mixed.zarr"), [*Dataset.open(push_demos)]
        )
        with Recorder(mixed, Dataset.open(at_the_table).metadata) as recorder:
            recorder.append(replace(real, seed=99))
        with pytest.raises(ConfigError, match="'xarm'"):
            replay(ReplayConfig(data=mixed))
        assert not opened

    def test_a_simulator_takes_them(self, at_the_table: Path, opened: list[str | None]) -> None:
        (found,) = replay(ReplayConfig(data=at_the_table, workcell="mujoco"))
        assert opened == ["mujoco"] and found.exact

    def test_emulated_table_is_replayed_where_it_was_recorded(self, push_demos: Path) -> None:
        metadata = replace(Dataset.open(push_demos).metadata, workcell="xarm-emulated")
        assert recorded_workcell(metadata) == "xarm-emulated"
