"""What every environment keeps: every task in every workcell that it names."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from hypothesis import given, settings
from hypothesis import strategies as st
from snapshots import assert_any_moment_can_be_gone_on_from, flat
from streams import global_stream

from ibc_gym.env import Env
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.records import Float32
from ibc_gym.registry import make_env, make_oracle, make_vec_env
from ibc_gym.rollout import rollout

INFO = {
    "is_success",
    "success",
    "action_sent",
    "capture_time",
    "frame_number",
    "deadline_missed",
    "interventions",
}


def actions(env: Any, count: int, seed: int = 0) -> Float32:
    """(count, A), all over the action space."""
    space = env.action_space
    drawn = np.random.default_rng(seed).uniform(space.low, space.high, (count, *space.shape))
    return drawn.astype(np.float32)


def highest(env: Env) -> Float32:
    return env.action_space.high.astype(np.float32)


def gym_id(task: str) -> str:
    return "ibc_gym/" + "".join(part.capitalize() for part in task.split("-")) + "-v0"


@pytest.mark.parametrize("observation", ["state", "image", "state+image"])
def test_gymnasiums_checker_passes_without_a_warning(row: Any, observation: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gymnasium.make(
            gym_id(row.task),
            workcell=row.workcell,
            observation=observation,
            render_mode="rgb_array",
        )
        check_env(env.unwrapped)
        env.close()


def test_any_actions_keep_the_state_in_its_space(env: Env) -> None:
    low, high = env.action_space.low, env.action_space.high
    size = len(low)

    @settings(max_examples=8, deadline=None)
    @given(
        st.integers(0, 2**32 - 1),
        st.lists(
            st.lists(st.sampled_from([0.0, 0.3, 1.0]), min_size=size, max_size=size),
            min_size=1,
            max_size=15,
        ),
    )
    def check(seed: int, shares: list[list[float]]) -> None:
        observation, _ = env.reset(seed=seed)
        assert observation in env.observation_space
        for share in shares:
            action = (low + np.array(share) * (high - low)).astype(np.float32)
            observation, reward, *_ = env.step(action)
            assert observation in env.observation_space
            assert all(np.isfinite(values).all() for values in observation.values())
            assert np.isfinite(reward)

    check()


def test_info_tells_the_truth_of_every_step(env: Env) -> None:
    _, info = env.reset(seed=0)
    times = [info["capture_time"]["robot"]]
    for action in actions(env, 4):
        *_, info = env.step(action)
        assert set(info) >= INFO
        assert info["is_success"] is info["success"]
        assert info["action_sent"] in env.action_space
        assert info["deadline_missed"] is False
        times.append(info["capture_time"]["robot"])
    assert np.diff(times) == pytest.approx(np.full(4, env.task.control_period), rel=1e-6)


def test_episode_ends_at_its_horizon_at_the_latest(env: Env) -> None:
    env.reset(seed=1)
    middle = ((env.action_space.low + env.action_space.high) / 2).astype(np.float32)
    terminated, truncated, steps = False, False, 0
    while not (terminated or truncated) and steps < env.task.horizon:
        *_, terminated, truncated, _ = env.step(middle)
        steps += 1
    assert terminated or (truncated and steps == env.task.horizon)


def test_same_seed_gives_the_same_episode_again(env: Env) -> None:
    def play() -> list[Any]:
        return [flat(env.reset(seed=9)), *(flat(env.step(action)) for action in actions(env, 6))]

    first = play()
    env.reset(seed=10)
    assert play() == first


_FRESH = """
import hashlib, json, sys
import numpy as np
from ibc_gym.registry import TASKS, load, make_env
rows = [(task, cell) for task in TASKS for cell in load(TASKS, task, "task").workcells]
found = {}
for task, workcell in rows[::int(sys.argv[1])]:
    with make_env(task, workcell=workcell) as env:
        observation, _ = env.reset(seed=3)
        seen = [observation["state"].tobytes()]
        rng = np.random.default_rng(0)
        for _ in range(8):
            action = rng.uniform(env.action_space.low, env.action_space.high).astype(np.float32)
            observation, reward, *_ = env.step(action)
            seen += [observation["state"].tobytes(), np.float64(reward).tobytes()]
    found[f"{task}@{workcell}"] = hashlib.sha256(b"".join(seen)).hexdigest()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def fresh() -> list[dict[str, str]]:
    """What came out of every row in two processes; the second takes the rows in the opposite order."""
    return [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", _FRESH, step], capture_output=True, text=True, check=True
            ).stdout
        )
        for step in ("1", "-1")
    ]


def test_same_seed_gives_the_same_bytes_in_fresh_processes(
    row: Any, fresh: list[dict[str, str]]
) -> None:
    found = [each[f"{row.task}@{row.workcell}"] for each in fresh]
    assert found[0] == found[1]
    assert len(found[0]) == 64


def test_given_start_begins_the_same_episode(env: Env) -> None:
    drawn, _ = env.reset(seed=4)
    start = env.task.sample(np.random.default_rng(4))
    given_start, _ = env.reset(options={"start": start})
    assert flat(drawn) == flat(given_start)


def test_start_that_is_none_is_refused(env: Env) -> None:
    with pytest.raises(ConfigError, match="start"):
        env.reset(options={"start": "over there"})


def test_restored_episode_goes_on_bit_for_bit(env: Env, row: Any) -> None:
    steps = actions(env, 9)
    env.reset(seed=6)
    for action in steps[:4]:
        seen = env.step(action)
    saved = env.save()
    ahead = [flat(env.step(action)) for action in steps[4:]]
    env.reset(seed=99)
    with row.make_env() as another:
        another.reset(seed=0)
        for each in (env, another):
            observation, info = each.restore(saved)
            assert flat(observation) == flat(seen[0])
            assert flat(info) == flat(seen[4])
            assert [flat(each.step(action)) for action in steps[4:]] == ahead
        assert flat(env.reset()) == flat(another.reset())  # the generator was saved too


def test_any_moment_can_be_saved_and_gone_on_from(env: Env, row: Any) -> None:
    """Whatever happened before, after and in between, a robot that was stopped among it."""

    def play(each: Env, moves: list[int]) -> list[Any]:
        """A step with actions drawn from every seed; 0 stops the robot instead."""
        seen = []
        for move in moves:
            if move:
                seen.append(flat(each.step(actions(each, 1, seed=move)[0])))
            else:
                each.workcell.robot.stop()
            assert each.workcell.simulation is not None
            seen.append(each.workcell.simulation.save().tobytes())
        return seen

    with row.make_env() as another:
        assert_any_moment_can_be_gone_on_from(env, another, play, kinds=7, max_examples=12)


def test_action_that_makes_no_sense_is_not_sent(env: Env) -> None:
    steps = actions(env, 3)

    def play(*, disturbed: bool) -> list[Any]:
        seen = [flat(env.reset(seed=2))]
        for action in steps:
            for bad in (action * np.nan, action * np.inf, action[:-1], np.stack([action] * 2)):
                if disturbed:
                    with pytest.raises(SpecMismatch), np.errstate(invalid="ignore"):
                        env.step(bad)
            seen.append(flat(env.step(action)))
        return seen

    assert play(disturbed=True) == play(disturbed=False)


def test_action_beyond_the_space_is_limited_to_it(env: Env) -> None:
    env.reset(seed=2)
    at_the_edge = flat(env.step(highest(env)))
    env.reset(seed=2)
    assert flat(env.step(highest(env) + np.float32(5))) == at_the_edge


def test_step_before_the_first_reset_is_refused(row: Any) -> None:
    with row.make_env() as env, pytest.raises(ConfigError, match="reset"):
        env.step(env.action_space.high)


def test_environment_is_a_context_and_closes_twice(row: Any) -> None:
    with row.make_env() as env:
        env.reset(seed=0)
    env.close()


def test_global_generator_is_left_alone(env: Env) -> None:
    before = global_stream()
    env.reset(seed=0)
    env.step(highest(env))
    assert global_stream() == before


def test_images_are_observed_without_the_poses(row: Any) -> None:
    with row.make_env(observation="image") as env, row.make_env() as plain:
        observation, info = env.reset(seed=0)
        assert observation in env.observation_space
        assert "state" not in observation and "robot" in observation
        images = [name for name in observation if name.startswith("image")]
        assert images
        for action in actions(env, 2):
            observation, _, _, _, info = env.step(action)
            assert observation in env.observation_space
        assert set(info["frame_number"]) == set(env.workcell.cameras)
        plain.reset(seed=0)
        for action in actions(env, 2):
            *_, truth = plain.step(action)
        for name in ("action_sent", "is_success"):  # seeing changes nothing in the world
            assert flat(truth[name]) == flat(info[name])


def test_every_way_to_make_it_agrees(row: Any) -> None:
    options = {"workcell": row.workcell}
    singles = [make_env(row.task, **options), gymnasium.make(gym_id(row.task), **options)]
    vectors = [
        make_vec_env(row.task, 2, **options),
        gymnasium.make_vec(gym_id(row.task), 2, **options),
        SyncVectorEnv([lambda: make_env(row.task, **options)] * 2),
    ]
    steps = actions(singles[0], 3)
    played = []
    for env in singles:
        played.append([flat(env.reset(seed=5)), *(flat(env.step(action)) for action in steps)])
        env.close()
    assert played[0] == played[1]
    together = []
    for envs in vectors:
        assert envs.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
        begun = envs.reset(seed=[5, 6])  # type: ignore[arg-type]  # the hint forgets lists
        seen = [flat(begun)]
        seen += [flat(envs.step(np.stack([action] * 2))) for action in steps]
        together.append(seen)
        envs.close()
    assert together[0] == together[1] == together[2]
    assert together[0][0][0]["state"].startswith(played[0][0][0]["state"])


def test_demonstrator_succeeds_and_repeats_itself(row: Any) -> None:
    envs = make_vec_env(row.task, 2, workcell=row.workcell, autoreset_mode="disabled")
    oracle = make_oracle(row.task, envs)
    first = rollout(envs, oracle, range(4))
    again = rollout(envs, oracle, range(2))
    envs.close()
    assert first.episodes[:2] == again.episodes
    assert sum(episode.success for episode in first.episodes) >= 3
