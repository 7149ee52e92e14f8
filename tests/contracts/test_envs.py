"""Every row is held to the contract of environments, with and without pictures, however it is made."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from rows import ROWS, Row, marks, of_every_row, suites

from ibc_gym.env import Env
from ibc_gym.records import Float32
from ibc_gym.registry import make_env, make_oracle, make_vec_env
from ibc_gym.rollout import rollout
from ibc_gym.testing import EnvContract
from ibc_gym.testing.bits import flat

TESTS = Path(__file__).parents[1]
SHORT = 25
"""Steps of an episode, where it matters only that it ends."""

_FRESH = """
import json, sys
from rows import ROWS
from ibc_gym.testing.processes import digest
found = {}
for row in ROWS[::int(sys.argv[1])]:
    with row.make_env() as env:
        found[str(row)] = digest(env)
print(json.dumps(found))
"""


@functools.cache
def fresh(step: str) -> dict[str, str]:
    """What comes out of every row in one fresh process, which takes the rows in this order."""
    words = [sys.executable, "-c", _FRESH, step]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=TESTS)
    found: dict[str, str] = json.loads(done.stdout)
    return found


class Envs(EnvContract):
    row: Row

    @property
    def overshoot(self) -> float:  # type: ignore[override]  # the particle's spring lets it swing past its set-point
        return 0.02 if self.row.workcell == "particle" else 0.005

    def make(self) -> Env:
        return self.row.make_env(horizon=SHORT)

    def digest_elsewhere(self) -> str:
        one, other = fresh("1")[str(self.row)], fresh("-1")[str(self.row)]
        assert one == other, "the bytes depend on what was played before in the process"
        return one


globals().update(suites(Envs))


def actions(env: Any, count: int) -> Float32:
    """(count, A), all over the action space."""
    space, rng = env.action_space, np.random.default_rng(0)
    drawn: Float32 = rng.uniform(space.low, space.high, (count, *space.shape)).astype(np.float32)
    return drawn


def gym_id(task: str) -> str:
    return "ibc_gym/" + "".join(part.capitalize() for part in task.split("-")) + "-v0"


@pytest.mark.parametrize(
    ("row", "observation"),
    [
        pytest.param(row, seen, id=f"{row}-{seen}", marks=marks(row))
        for row in ROWS
        for seen in ("state+image", "image")
        if seen == "state+image" or row.workcell != "pybullet"
    ],
)
def test_gymnasiums_checker_passes_without_a_warning(row: Row, observation: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gymnasium.make(
            gym_id(row.task),
            workcell=row.workcell,
            observation=observation,
            render_mode="rgb_array",
            **row.small_pictures(),
        )
        check_env(env.unwrapped)
        env.close()


@of_every_row
def test_images_are_observed_without_the_poses(row: Row) -> None:
    with row.make_env(observation="image", **row.small_pictures()) as env, row.make_env() as plain:
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


@of_every_row
def test_every_way_to_make_it_agrees(row: Row) -> None:
    options: dict[str, Any] = {"workcell": row.workcell}
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


@of_every_row
def test_demonstrator_succeeds_and_repeats_itself(row: Row) -> None:
    """Whether it repeats itself in other company, too, `test_oracles.py` holds for the first workcell of every task."""
    envs = make_vec_env(row.task, 1, workcell=row.workcell, autoreset_mode="disabled")
    episodes = rollout(envs, make_oracle(row.task, envs), [1, 0, 1]).episodes
    envs.close()
    assert episodes[0] == episodes[2]
    assert all(episode.success for episode in episodes)
