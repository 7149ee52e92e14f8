"""Any Gymnasium environment by its id, in the shape of our own."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from external_episodes import IDS, actions_of, make
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import ibc_gym
from ibc_gym.envs import external_registry
from ibc_gym.errors import ConfigError, MissingDependency, SpecMismatch, UnknownName
from ibc_gym.registry import task_of
from ibc_gym.rollout import rollout


@pytest.mark.parametrize("id", IDS)
def test_environment_keeps_its_spaces_and_tells_the_truths(id: str) -> None:
    env = make(id)
    observation, info = env.reset(seed=3)
    for action in actions_of(env, 5):
        assert env.observation_space.contains(observation)
        observation, reward, terminated, truncated, info = env.step(action)
        assert type(reward) is float and type(terminated) is bool and type(truncated) is bool
        assert type(info["is_success"]) is bool and info["success"] is info["is_success"]
        np.testing.assert_array_equal(info["action_sent"], action)
        assert info["deadline_missed"] is False and info["interventions"] == 0
    assert info["capture_time"]["robot"] == pytest.approx(5 * env.task.control_period)
    (size,) = env.observation_space["state"].shape or ()
    assert len(set(env.task.feature_names["state"])) == size
    env.close()


@pytest.mark.parametrize("id", IDS)
def test_gymnasiums_checker_warns_of_nothing_but_published_bounds(id: str) -> None:
    env = make(id, horizon=20)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env, skip_render_check=True)
    env.close()
    said = [str(warning.message) for warning in caught]
    assert [text for text in said if "space m" not in text and "symmetric" not in text] == []


@pytest.mark.slow
@pytest.mark.parametrize("id", IDS)
def test_same_seed_gives_the_same_bytes_in_a_fresh_process(id: str) -> None:
    code = f"""
import hashlib, numpy as np, ibc_gym
env = ibc_gym.make_env("gym:{id}")
rng = np.random.default_rng(5)
digest = hashlib.sha256()
for seed in (8, 9):
    observation, _ = env.reset(seed=seed)
    for _ in range(25):
        action = rng.uniform(env.action_space.low, env.action_space.high).astype(np.float32)
        observation, reward, *_ = env.step(action)
        digest.update(observation["state"].tobytes() + np.float64(reward).tobytes())
print(digest.hexdigest())
"""
    digests = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(digests) == 1 and len(digests.pop().strip()) == 64


def test_unseeded_resets_differ_and_follow_from_the_last_seed() -> None:
    env = make("gym_pusht/PushT-v0")
    env.reset(seed=4)
    second, _ = env.reset()
    third, _ = env.reset()
    assert not np.array_equal(second["state"], third["state"])
    env.reset(seed=4)
    again, _ = env.reset()
    np.testing.assert_array_equal(again["state"], second["state"])


@pytest.mark.parametrize(("horizon", "expected"), [(None, 200), (7, 7), (230, 230)])
def test_horizon_cuts_episodes_shorter_and_longer_than_registered(
    horizon: int | None, expected: int
) -> None:
    env = make("Pendulum-v1", horizon=horizon)
    env.reset(seed=0)
    assert env.task.horizon == expected
    action = np.zeros(1, dtype=np.float32)
    ends = [env.step(action)[3] for _ in range(expected)]
    assert ends == [False] * (expected - 1) + [True]


def test_environment_without_a_limit_gets_the_published_one() -> None:
    gymnasium.register("EndlessPendulum-v0", "gymnasium.envs.classic_control.pendulum:PendulumEnv")
    try:
        assert make("EndlessPendulum-v0").task.horizon == 1000
    finally:
        del gymnasium.registry["EndlessPendulum-v0"]


def test_rows_of_a_vector_equal_single_environments_and_roll_out() -> None:
    options = {"horizon": 30}
    envs = ibc_gym.make_vec_env(
        "gym:gym_pusht/PushT-v0", 3, autoreset_mode=AutoresetMode.DISABLED, **options
    )
    assert task_of(envs).name == "gym:gym_pusht/PushT-v0"

    class ToTheMiddle:
        def reset(self, mask: Any, seeds: Any) -> None: ...

        def act(self, observation: Any) -> Any:
            return np.full((3, 2), 256, dtype=np.float32)

    outcome = rollout(envs, ToTheMiddle(), [11, 12, 13, 14])
    envs.close()
    for episode in outcome.episodes:
        env = make("gym_pusht/PushT-v0", **options)
        env.reset(seed=episode.seed)
        rewards = [env.step(np.array([256, 256]))[1] for _ in range(episode.length)]
        assert episode.total_reward == pytest.approx(sum(rewards))
        assert episode.best_reward == max(rewards)
        assert {"coverage", "environment_success"} <= set(episode.metrics)


def test_dictionary_observations_are_flattened_with_their_goals() -> None:
    env = make("FetchReach-v4")
    assert env.observation_space["state"].shape == (10 + 3 + 3,)
    observation, _ = env.reset(seed=0)
    assert observation["state"].dtype == np.float32
    env.close()


def test_pictures_are_shown_beside_the_state() -> None:
    env = make("gym_pusht/PushT-v0", observation="state+image")
    observation, info = env.reset(seed=0)
    assert isinstance(env.observation_space["image"], spaces.Box)
    assert observation["image"].shape == (96, 96, 3)
    before = observation["image"].copy()
    observation, *_, info = env.step(np.array([20.0, 20.0]))
    assert not np.array_equal(observation["image"], before)
    assert info["frame_number"] == {"image": 1}
    assert set(observation) == {"state", "image"}
    only = make("gym_pusht/PushT-v0", observation="image")
    assert set(only.observation_space.spaces) == {"image"}


def test_render_gives_a_picture_only_where_asked_for() -> None:
    env = make("gym_pusht/PushT-v0", render_mode="rgb_array")
    env.reset(seed=0)
    picture = env.render()
    assert picture is not None and picture.dtype == np.uint8 and picture.shape[2] == 3
    silent = make("gym_pusht/PushT-v0")
    silent.reset(seed=0)
    assert silent.render() is None


@pytest.mark.parametrize(
    ("id", "options", "said"),
    [
        ("CartPole-v1", {}, "boxes of real numbers"),
        ("FrozenLake-v1", {}, "boxes of real numbers"),
        ("Pendulum-v1", {"gravity_of_moon": 1}, "gravity_of_moon"),
        ("Pendulum-v1", {"horizon": 0}, "at least 1"),
        ("Pendulum-v1", {"horizon": 2.5}, "horizon is 2.5, but must be a whole"),
        ("Pendulum-v1", {"reward": "best"}, "reward='best'"),
        ("Pendulum-v1", {"layout": "d4rl"}, "one layout"),
        ("Pendulum-v1", {"workcell": "mujoco"}, "own simulator"),
        ("Pendulum-v1", {"observation": "pixels"}, "observation="),
        ("Pendulum-v1", {"render_mode": "human"}, "render_mode="),
        ("gym_pusht/PushT-v0", {"obs_type": "pixels"}, "observation='image'"),
        ("gym_pusht/PushT-v0", {"obs_type": "smell"}, "smell"),
    ],
)
def test_what_cannot_be_made_is_refused_in_words(
    id: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        make(id, **options)


def test_unknown_id_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'AdroitHandDoor-v1'") as caught:
        make("AdroitHandDor-v1")
    assert len(str(caught.value)) < 500
    for nosuch in ("nosuch/Thing-v0", "Foo-v1"):
        with pytest.raises(UnknownName, match=r"Known, among others: Adroit.*PushT-v0\.") as caught:
            make(nosuch)
        assert "Did you mean" not in str(caught.value)


def test_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external_registry, "find_spec", lambda module: None)
    monkeypatch.setattr(gymnasium, "registry", {})
    with pytest.raises(MissingDependency, match=r"gym-pusht.*ibc-gym\[human\]"):
        make("gym_pusht/PushT-v0")


def test_bad_actions_and_bad_order_are_refused() -> None:
    env = make("Pendulum-v1")
    with pytest.raises(ConfigError, match="reset"):
        env.step(np.zeros(1, np.float32))
    with pytest.raises(ConfigError, match="no episode"):
        env.save()
    env.reset(seed=0)
    with pytest.raises(SpecMismatch, match="shape"):
        env.step(np.zeros(2, np.float32))
    with pytest.raises(SpecMismatch, match="not finite"):
        env.step(np.array([np.nan]))
    with pytest.raises(ConfigError, match="recorded start"):
        env.reset(options={"recorded_start": {"state": np.zeros(2)}})
    *_, info = env.reset(seed=0)[1], env.step(np.array([50.0]))[4]
    np.testing.assert_array_equal(info["action_sent"], env.action_space.high)
    env.close()
    env.close()


def test_picture_is_drawn_and_given_up_in_the_environments_own_context(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    env = make("AdroitHandDoor-v1")
    drawn: list[str] = []

    class Viewer:
        def make_context_current(self) -> None:
            drawn.append("own context")

        def free(self) -> None:
            drawn.append("freed")

        @property
        def con(self) -> Viewer:
            return self

    class Renderer:
        viewer: Viewer | None = Viewer()

        def __init__(self) -> None:
            self._viewers: dict[str, Viewer] = {}

        def render(self, mode: str) -> np.ndarray:
            drawn.append("picture")
            return np.zeros((4, 5, 3), np.uint8)

        def close(self) -> None: ...

    monkeypatch.setattr(env.inner.unwrapped, "mujoco_renderer", Renderer())
    monkeypatch.setattr(env, "render_mode", "rgb_array")
    env.reset(seed=0)
    assert env.render() is not None
    assert drawn == ["own context", "picture"]
    env.close()
    env.close()
    assert drawn[2:] == ["own context", "freed", "freed"]


@pytest.mark.slow
def test_pictures_of_two_environments_do_not_mix() -> None:
    alone = [make("AdroitHandDoor-v1", observation="image", width=64, height=64)]
    alone.append(make("FrankaKitchen-v1", observation="image", width=64, height=64))
    first = [env.reset(seed=0)[0]["image"] for env in alone]
    again = [env.reset(seed=0)[0]["image"] for env in alone]
    for picture, repeated in zip(first, again, strict=True):
        assert picture.max() > picture.min()
        np.testing.assert_array_equal(picture, repeated)
    alone[0].close()
    np.testing.assert_array_equal(alone[1].reset(seed=0)[0]["image"], first[1])
    alone[1].close()


def test_step_after_the_end_or_the_closing_and_a_false_snapshot_are_refused() -> None:
    env = make("Pendulum-v1", horizon=3)
    env.reset(seed=0)
    *_, last = [env.step(action) for action in actions_of(env, 3)]
    assert last[3]
    with pytest.raises(ConfigError, match="the episode has ended"):
        env.step(actions_of(env, 1)[0])
    saved = env.save()
    env.reset(seed=0)
    env.step(actions_of(env, 1)[0])
    env.restore(saved)
    with pytest.raises(ConfigError, match="the episode has ended"):
        env.step(actions_of(env, 1)[0])
    with pytest.raises(ConfigError, match="an ExternalSnapshot, not str"):
        env.restore("junk")  # type: ignore[arg-type]
    env.close()
    with pytest.raises(ConfigError, match="closed"):
        env.step(actions_of(env, 1)[0])
