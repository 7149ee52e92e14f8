"""An episode of an environment from elsewhere can be saved at any moment and gone on from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from external_episodes import IDS, actions_of, make, run

from ibc_gym.envs.external_env import ExternalEnv
from ibc_gym.errors import ConfigError
from ibc_gym.testing.bits import flat
from ibc_gym.testing.snapshots import assert_any_moment_can_be_gone_on_from


@pytest.mark.parametrize("id", IDS)
def test_snapshot_continues_bit_for_bit_after_other_episodes(id: str) -> None:
    env = make(id)
    env.reset(seed=1)
    actions = actions_of(env, 30)
    for action in actions[:15]:
        at_save, *_ = env.step(action)
    snapshot = env.save()
    expected = [env.step(action)[:2] for action in actions[15:]]
    run(env, seed=99, count=4)
    restored, _ = env.restore(snapshot)
    np.testing.assert_array_equal(restored["state"], at_save["state"])
    for action, (observation, reward) in zip(actions[15:], expected, strict=True):
        got, got_reward, *_ = env.step(action)
        np.testing.assert_array_equal(got["state"], observation["state"])
        assert got_reward == reward
    env.close()


def test_snapshot_begins_where_the_episode_was_told_to_begin() -> None:
    env = make("gym_pusht/PushT-v0")
    start = [100.0, 200.0, 300.0, 250.0, 0.5]
    for options in ({"reset_to_state": start}, {"recorded_start": {"state": np.array(start)}}):
        env.reset(seed=1, options=options)
        (given,) = options.values()
        actions = actions_of(env, 8)
        for action in actions[:4]:
            at_save, *_ = env.step(action)
        snapshot = env.save()
        ahead = [env.step(action)[0]["state"] for action in actions[4:]]
        inner = given["state"] if isinstance(given, dict) else given
        inner[0] = 400.0  # whoever gave the start may use it for something else
        for each in (env, make("gym_pusht/PushT-v0")):
            each.reset(seed=2)
            restored, _ = each.restore(snapshot)
            np.testing.assert_array_equal(restored["state"], at_save["state"])
            again = [each.step(action)[0]["state"] for action in actions[4:]]
            np.testing.assert_array_equal(again, ahead)
            np.testing.assert_array_equal(
                each.restore(each.save())[0]["state"], ahead[-1]
            )  # what was restored can be saved


def test_start_that_fails_leaves_no_episode_under_way() -> None:
    env = make("Pendulum-v1")
    env.reset(seed=0)
    with pytest.raises(ConfigError, match="recorded start"):
        env.reset(options={"recorded_start": {"state": np.zeros(2)}})
    with pytest.raises(ConfigError, match="no episode"):
        env.save()
    env.close()


PLAYED = ["Pendulum-v1", "gym_pusht/PushT-v0", "AdroitHandDoor-v1"]


@pytest.mark.parametrize("id", PLAYED)
def test_any_moment_can_be_saved_and_gone_on_from(id: str) -> None:
    env, another = make(id), make(id)

    def play(each: ExternalEnv, moves: list[int]) -> list[Any]:
        """A step with actions drawn from every seed."""
        return [flat(each.step(actions_of(each, 1, seed=move)[0])) for move in moves]

    assert_any_moment_can_be_gone_on_from(env, another, play, kinds=10, max_examples=10)
    env.close()
    another.close()
