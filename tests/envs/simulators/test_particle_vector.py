from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from hypothesis import given, settings
from hypothesis import strategies as st
from trials import trials

from ibc_gym.errors import ConfigError, IbcGymError, SpecMismatch
from ibc_gym.records import Pose, Start, Target
from ibc_gym.registry import make_env, make_vec_env

MODES = list(AutoresetMode)
ROWS = 5


def both(mode: AutoresetMode, **options: Any) -> tuple[Any, SyncVectorEnv]:
    """The vector form, and Gymnasium's loop over the single one."""
    make = partial(make_env, "particle", **options)
    return (
        make_vec_env("particle", ROWS, autoreset_mode=mode, **options),
        SyncVectorEnv([make] * ROWS, autoreset_mode=mode),
    )


def assert_same(ours: Any, theirs: Any, where: str = "") -> None:
    """Equal in type, shape and every bit, however nested."""
    if isinstance(theirs, dict):
        assert set(ours) == set(theirs), where
        for key in theirs:
            assert_same(ours[key], theirs[key], f"{where}.{key}")
    elif isinstance(theirs, tuple):
        assert len(ours) == len(theirs)
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(one, other, f"{where}[{index}]")
    elif theirs is None:
        assert ours is None, where
    elif theirs.dtype == object:
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other, where)
    else:
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape), where
        assert ours.tobytes() == theirs.tobytes(), where


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dimensions", [1, 2, 9, 32])
def test_vector_form_is_the_single_one_bit_for_bit(mode: AutoresetMode, dimensions: int) -> None:
    ours, theirs = both(mode, dimensions=dimensions, horizon=7)
    rng = np.random.default_rng(dimensions)
    seeds = [3, 1, 2**40, 0, 7]
    assert_same(ours.reset(seed=list(seeds)), theirs.reset(seed=list(seeds)))
    for step in range(30):
        actions = rng.uniform(-0.3, 1.3, (ROWS, dimensions)).astype(np.float32)
        stepped = theirs.step(actions)
        assert_same(ours.step(actions), stepped, f"step {step}")
        ended = stepped[2] | stepped[3]
        if mode is AutoresetMode.DISABLED and ended.any():
            options = {"reset_mask": ended}
            assert_same(ours.reset(options=options), theirs.reset(options=dict(options)))


@pytest.mark.parametrize("mode", MODES)
def test_episodes_that_began_at_different_steps_agree_too(mode: AutoresetMode) -> None:
    ours, theirs = both(mode, horizon=5)
    rng = np.random.default_rng(0)
    assert_same(ours.reset(seed=11), theirs.reset(seed=11))
    for step in range(40):
        ended = np.zeros(ROWS, dtype=np.bool_)
        if step:
            actions = rng.random((ROWS, 2), dtype=np.float32)
            stepped = theirs.step(actions)
            assert_same(ours.step(actions), stepped, f"step {step}")
            ended = stepped[2] | stepped[3]
        mask = rng.random(ROWS) < 0.2
        if mode is AutoresetMode.DISABLED:
            mask |= ended
        if mask.any():
            seeds = [int(seed) if seed % 2 else None for seed in rng.integers(0, 99, ROWS)]
            mine = ours.reset(seed=seeds, options={"reset_mask": mask})
            assert_same(mine, theirs.reset(seed=seeds, options={"reset_mask": mask.copy()}))


@settings(max_examples=trials(15))
@given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from(MODES), st.floats(0, 0.49))
def test_any_seed_and_options_agree(
    seed: int, hidden: bool, mode: AutoresetMode, margin: float
) -> None:
    options = {"hide_velocity": hidden, "goal_tolerance": 0.5, "goal_margin": margin, "horizon": 4}
    ours, theirs = both(mode, **options)
    assert ours.single_observation_space == theirs.single_observation_space
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    assert_same(ours.reset(seed=seed), theirs.reset(seed=seed))
    for _ in range(4):
        actions = np.full((ROWS, 2), 0.5, dtype=np.float32)
        assert_same(ours.step(actions), theirs.step(actions))


def test_given_start_is_every_rows_start() -> None:
    ours, theirs = both(AutoresetMode.DISABLED)
    start = Start(
        layout={
            "first_goal": Pose(position=np.array([0.1, 0.2])),
            "second_goal": Pose(position=np.array([0.3, 0.4])),
        },
        home=Target(joints=np.array([1.5, 0.6])),
    )
    assert_same(
        ours.reset(seed=0, options={"start": start}), theirs.reset(seed=0, options={"start": start})
    )


def test_pictures_are_those_of_the_single_environment() -> None:
    options: dict[str, Any] = {"render_mode": "rgb_array", "horizon": 6}
    ours, theirs = both(AutoresetMode.NEXT_STEP, **options)
    ours.reset(seed=2)
    theirs.reset(seed=2)
    rng = np.random.default_rng(0)
    for _ in range(9):
        actions = rng.random((ROWS, 2), dtype=np.float32)
        ours.step(actions)
        theirs.step(actions)
        assert_same(ours.render(), theirs.render())


def test_pictures_follow_rows_that_begin_at_different_steps() -> None:
    options: dict[str, Any] = {"render_mode": "rgb_array"}
    ours, theirs = both(AutoresetMode.DISABLED, **options)
    mask = np.array([True, False, False, True, False])
    for envs in (ours, theirs):
        envs.reset(seed=2)
        for step in range(6):
            envs.step(np.full((ROWS, 2), 0.2 * step, dtype=np.float32))
            if step == 3:
                envs.reset(seed=9, options={"reset_mask": mask.copy()})
    assert_same(ours.render(), theirs.render())


def test_without_a_render_mode_there_is_no_picture() -> None:
    assert make_vec_env("particle", 2).render() is None


def test_what_was_returned_is_not_changed_later() -> None:
    envs = make_vec_env("particle", 3, horizon=2)
    first, info = envs.reset(seed=0)
    kept, noted = first["state"].copy(), info["action_sent"].copy()
    for _ in range(4):
        envs.step(np.ones((3, 2), dtype=np.float32))
    assert (first["state"] == kept).all() and (info["action_sent"] == noted).all()


@pytest.mark.parametrize(
    "actions", [np.full((ROWS, 2), np.nan), np.full((ROWS, 2), np.inf), np.zeros((ROWS, 3)), 0.5]
)
def test_actions_that_make_no_sense_move_no_row(actions: Any) -> None:
    ours, untouched = (make_vec_env("particle", ROWS) for _ in range(2))
    ours.reset(seed=0)
    untouched.reset(seed=0)
    with pytest.raises(SpecMismatch):
        ours.step(actions)
    good = np.full((ROWS, 2), 0.5, dtype=np.float32)
    assert_same(ours.step(good), untouched.step(good))


def test_error_names_the_row_with_the_bad_action() -> None:
    envs = make_vec_env("particle", ROWS)
    envs.reset(seed=0)
    actions = np.zeros((ROWS, 2), dtype=np.float32)
    actions[3, 1] = np.nan
    with pytest.raises(SpecMismatch, match="row 3"):
        envs.step(actions)


def test_step_without_an_episode_under_way_is_refused() -> None:
    envs = make_vec_env("particle", 2, autoreset_mode="disabled", horizon=1)
    actions = np.zeros((2, 2), dtype=np.float32)
    with pytest.raises(ConfigError, match="row 0"):
        envs.step(actions)
    envs.reset(seed=0)
    envs.step(actions)
    envs.reset(options={"reset_mask": np.array([True, False])})
    with pytest.raises(ConfigError, match="row 1"):
        envs.step(actions)


@pytest.mark.parametrize(
    "mask", [[True, False], np.array([1, 0]), np.array([True]), np.array([False, False])]
)
def test_mask_that_makes_no_sense_is_refused(mask: Any) -> None:
    envs = make_vec_env("particle", 2)
    envs.reset(seed=0)
    with pytest.raises(ConfigError, match="reset_mask"):
        envs.reset(options={"reset_mask": mask})


def test_first_reset_must_begin_every_row() -> None:
    envs = make_vec_env("particle", 2)
    with pytest.raises(ConfigError, match="first reset"):
        envs.reset(seed=0, options={"reset_mask": np.array([True, False])})


@pytest.mark.parametrize(
    "call",
    [
        lambda envs: envs.reset(seed=[1, 2, 3]),
        lambda envs: envs.reset(seed=[-1, 0]),
        lambda envs: envs.reset(options={"start": "here"}),
    ],
)
def test_reset_that_makes_no_sense_is_refused(call: Any) -> None:
    with pytest.raises(ConfigError):
        call(make_vec_env("particle", 2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dimension": 2}, "Did you mean 'dimensions'"),
        ({"dimensions": 0}, "is 0"),
        ({"workcell": "mujoco"}, "mujoco"),
        ({"render_mode": "human"}, "human"),
        ({"autoreset_mode": "same-step"}, "Did you mean 'same_step'"),
    ],
)
def test_choice_that_makes_no_sense_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(IbcGymError, match=message):
        make_vec_env("particle", 2, **options)


def test_images_come_from_single_environments() -> None:
    envs = make_vec_env("particle", 2, observation="image")
    assert isinstance(envs, SyncVectorEnv)
    observation, _ = envs.reset(seed=0)
    assert observation["image"].shape == (2, 256, 256, 3)


@pytest.mark.parametrize("spelling", ["same_step", "SameStep", AutoresetMode.SAME_STEP])
def test_every_way_to_make_it_agrees(spelling: Any) -> None:
    options: dict[str, Any] = {"dimensions": 3, "autoreset_mode": spelling}
    ours = make_vec_env("particle", ROWS, **options)
    gymnasiums = gymnasium.make_vec("ibc_gym/Particle-v0", ROWS, **options)
    looped = gymnasium.make_vec(
        "ibc_gym/Particle-v0",
        ROWS,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP},
        dimensions=3,
    )
    assert type(gymnasiums.unwrapped) is type(ours)
    assert ours.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    reset = ours.reset(seed=4)
    assert_same(reset, gymnasiums.reset(seed=4))
    assert_same(reset, looped.reset(seed=4))
    for seed, envs in enumerate((ours, gymnasiums, looped)):
        envs.close()
        assert envs.closed, seed


_FRESH = """
import hashlib
import numpy as np
from ibc_gym.registry import make_vec_env
envs = make_vec_env("particle", 7, horizon=5)
digest = hashlib.sha256(envs.reset(seed=5)[0]["state"].tobytes())
rng = np.random.default_rng(0)
for _ in range(20):
    observation, reward, *_ = envs.step(rng.random((7, 2), dtype=np.float32))
    digest.update(observation["state"].tobytes() + reward.tobytes())
print(digest.hexdigest())
"""


def test_same_seed_gives_the_same_bytes_in_fresh_processes() -> None:
    runs = {
        subprocess.run(
            [sys.executable, "-c", _FRESH], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(runs) == 1
    assert len(runs.pop().strip()) == 64
