"""Runs stored episodes again from where they began, and says by how much the two part.

In the simulator that an episode was recorded in, the same start and the same actions are the same episode to the last
bit; in another simulator, another version of it, or from human recordings, the figures say what the difference is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from ibc_gym.checks import settle
from ibc_gym.contracts import Policy
from ibc_gym.data.damage import Damage
from ibc_gym.data.dataset import Dataset
from ibc_gym.data.demonstration import Demonstration
from ibc_gym.data.gaps import Gaps
from ibc_gym.data.metadata import Metadata
from ibc_gym.env import Env
from ibc_gym.errors import ConfigError
from ibc_gym.offers import CAREFUL, RANDOM_ACTIONS, BearsNoise, steadied
from ibc_gym.record import STATE
from ibc_gym.records import Bool, Float32, Float64, Observation, Situation
from ibc_gym.registry import add_noise, make_env, make_oracle
from ibc_gym.tables import GYM_PREFIX, UNMEASURED
from ibc_gym.words import count

START = "start."
"""Prefix of the facts that say how an episode began."""

OnEpisode = Callable[["ReplayedEpisode", int], None]
"""Told of every episode when it is over, and of how many there are."""

OnDamage = Callable[[Sequence[Damage]], None]
"""Told what is left out, before the first episode."""


@dataclass(frozen=True, kw_only=True)
class ReplayConfig:
    """Which episodes to run again, and where."""

    data: Path
    """A folder of demonstrations."""
    episodes: tuple[int, ...] = ()
    """Numbers of the episodes, from 0; all of them by default."""
    workcell: str | None = None
    """Where to run them; by default where they were recorded, but on no real table."""
    skip_damaged: bool = False
    """Read everything first, and leave damaged episodes out; the others keep their numbers."""

    def __post_init__(self) -> None:
        settle(self)


@dataclass(frozen=True, kw_only=True)
class ReplayedEpisode:
    """How one episode went the second time."""

    episode: int
    """Its number in the data set."""
    seed: int | None
    began_from: str
    """"seed", "simulator's state" or "recorded start"."""
    length: int
    """Steps that are stored."""
    replayed: int
    """Steps until it ended this time, or until the stored actions were used up."""
    largest: Mapping[str, float]
    """Greatest absolute difference of any element at any step, by input; also of "reward". Of angles the shorter way."""
    furthest: Mapping[str, str]
    """Which element that was, by input, where elements have names and any differs."""
    parts_at: int | None
    """First step whose observation differs at all; None if none does."""
    success: bool | None
    """As stored."""
    success_replayed: bool
    total_reward: float | None
    """Return over the steps that were replayed, as stored; None where no rewards are."""
    total_reward_replayed: float

    @property
    def exact(self) -> bool:
        """Whether every number is the same to the last bit, to the end."""
        return (
            self.parts_at is None
            and not any(self.largest.values())
            and self.length == self.replayed
            and self.success in (None, self.success_replayed)
        )


def replay(
    config: ReplayConfig,
    on_episode: OnEpisode | None = None,
    on_damage: OnDamage | None = None,
) -> list[ReplayedEpisode]:
    """Run stored episodes again and compare.

    Args:
        config: Which, and where.
        on_episode: Told how it goes.
        on_damage: Told what is left out, if damaged episodes are.

    Raises:
        ConfigError: There is no data set, it has no such episode, nothing says how an episode began, or nothing measures
            where things are in the workcell; nothing was opened.
        DatasetCorrupt: An episode is damaged, unless such are left out.
        SpecMismatch: The actions do not fit the environment.
    """
    dataset = Dataset.open(config.data, skip_damaged=config.skip_damaged, verify=False)
    damaged = dataset.verify() if config.skip_damaged else ()
    if on_damage and config.skip_damaged:
        on_damage(damaged)
    bad = {damage.episode for damage in damaged}
    chosen = tuple(n for n in config.episodes or range(len(dataset)) if n not in bad)
    missing = [number for number in chosen if not 0 <= number < len(dataset)]
    if missing or not chosen:
        raise ConfigError(
            f"{config.data} has {count(len(dataset), 'episode')}, counted from 0; there is no episode "
            f"{', '.join(map(str, missing)) or 'to replay'}."
        )
    for number in chosen:  # before the first one moves anything
        recorded_workcell(dataset.origins[number][0].metadata, config.workcell)
    longest = int(dataset.lengths.max())
    found = []
    with ExitStack() as stack:
        envs: dict[str, gymnasium.Env[Any, Any]] = {}
        for number in chosen:
            # Episodes of one data set may come from several workcells, and from tasks with other settings.
            metadata = dataset.origins[number][0].metadata
            if metadata.making not in envs:
                envs[metadata.making] = make_recorded_env(
                    metadata, config.workcell, longest=longest
                )
                stack.callback(envs[metadata.making].close)
            env, noise = envs[metadata.making], recorded_noise(metadata)
            bears = _who_bore(metadata, env) if noise else None
            names = metadata.feature_names
            found.append(
                replay_episode(
                    env, dataset.episode(number), number, noise=noise, bears=bears, names=names
                )
            )
            if on_episode:
                on_episode(found[-1], len(chosen))
    return found


def _who_bore(metadata: Metadata, env: gymnasium.Env[Any, Any]) -> Policy:
    """The demonstrator whose actions were disturbed."""
    oracle = make_oracle(metadata.task, env)
    return steadied(oracle) if metadata.source.get(CAREFUL) else oracle


def recorded_noise(metadata: Metadata) -> Mapping[str, float]:
    """How the demonstrator's actions were disturbed, by the names that `registry.add_noise` has; nothing if they were not."""
    if metadata.demonstrator != "oracle":
        return {}
    said = {"std": "noise", "random_share": RANDOM_ACTIONS}
    given = {name: float(metadata.source.get(key, 0.0)) for name, key in said.items()}
    return given if any(given.values()) else {}


def recorded_workcell(metadata: Metadata, workcell: str | None = None) -> str | None:
    """Where to run a data set's episodes again: `workcell`, by default where they were recorded; None for a task of Gymnasium.

    The emulated table is such a place: it measures, and its guard holds stored actions as it holds a policy's.

    Raises:
        ConfigError: Nothing measures where things are there, so that stored actions would move an arm blindly.
    """
    if metadata.task.startswith(GYM_PREFIX):
        return workcell
    chosen = workcell or metadata.workcell
    if chosen in UNMEASURED:
        recorded = "The episodes were recorded in" if workcell is None else "They would run in"
        raise ConfigError(
            f"{recorded} workcell {chosen!r}, a real table: nothing there measures where things are, so stored actions would "
            "move the arm without regard to them. Replay them in a simulator: --workcell mujoco"
        )
    return chosen


def make_recorded_env(
    metadata: Metadata, workcell: str | None = None, *, longest: int = 1
) -> gymnasium.Env[Any, Any]:
    """The environment that a data set was recorded in, with the settings it had then.

    Pictures are left out where there are states to compare: they would take most of the time.

    Args:
        metadata: Of the data set.
        workcell: Another workcell than that of the recording.
        longest: Steps that the longest episode has.

    Raises:
        ConfigError: As `recorded_workcell`; nothing was opened.
    """
    workcell = recorded_workcell(metadata, workcell)
    options = {name: _tuples(value) for name, value in metadata.config.items()}
    if metadata.task.startswith(GYM_PREFIX):
        options.pop("id", None)
        options.update(options.pop("options", {}))
        # People took longer than the environment's limit, which is about policies.
        options["horizon"] = max(options.get("horizon") or 0, longest)
    observation = "state"
    if "state" not in metadata.observation_space.spaces:
        # How much noise a demonstrator bears is a question of states.
        observation = "state+image" if recorded_noise(metadata) else "image"
    return make_env(metadata.task, workcell=workcell, observation=observation, **options)


def replay_episode(
    env: gymnasium.Env[Any, Any],
    demonstration: Demonstration,
    number: int = 0,
    *,
    noise: Mapping[str, float] | None = None,
    bears: Policy | None = None,
    names: Mapping[str, Sequence[str]] | None = None,
) -> ReplayedEpisode:
    """Run one episode again.

    Args:
        env: Made as the episode's own was.
        demonstration: What is stored.
        number: The episode's number, for the answer.
        noise: As of `recorded_noise`: what is stored is what the demonstrator wanted, and the noise that its seed
            gives is added anew.
        bears: The demonstrator, which may bear less of it at times.
        names: Of the elements of each input, where they are known.
    """
    observation, began_from = _begin(env, demonstration)
    inputs = [name for name in observation if f"observation.{name}" in demonstration.steps]
    gaps = {name: Gaps((names or {}).get(name, ())) for name in inputs}
    rewards: list[float] = []
    info: dict[str, Any] = {}
    again = _again(env, demonstration, noise, bears)
    for _ in range(demonstration.length):
        batch = {name: np.asarray(value)[None] for name, value in observation.items()}
        action = again.act(batch)[0]
        for name in inputs:
            stored = demonstration.steps[f"observation.{name}"][len(rewards)]
            gaps[name].add(observation[name], stored)
        observation, reward, terminated, truncated, info = env.step(action)
        rewards.append(float(reward))
        if terminated or truncated:
            break
    for name in inputs:
        final = demonstration.facts.get(f"final_observation.{name}")
        if final is not None and len(rewards) == demonstration.length:
            gaps[name].add(observation[name], final)
    largest = {name: gap.largest for name, gap in gaps.items()}
    given = demonstration.steps.get("reward")
    if given is not None:
        largest["reward"] = float(np.abs(given[: len(rewards)] - np.array(rewards)).max(initial=0))
    return ReplayedEpisode(
        episode=number,
        seed=demonstration.seed,
        began_from=began_from,
        length=demonstration.length,
        replayed=len(rewards),
        largest=largest,
        furthest={name: gap.furthest for name, gap in gaps.items() if gap.furthest},
        parts_at=min((g.parts_at for g in gaps.values() if g.parts_at is not None), default=None),
        success=demonstration.success,
        success_replayed=bool(info.get("is_success", False)),
        total_reward=None if given is None else float(np.sum(given[: len(rewards)])),
        total_reward_replayed=float(np.sum(rewards)),
    )


class _Stored:
    """A demonstrator that wants what it wanted before."""

    def __init__(self, actions: Float32) -> None:
        self._actions = actions
        self._step = 0

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        self._step = 0

    def act(self, observation: Observation) -> Float32:
        self._step += 1
        return self._actions[self._step - 1 : self._step]


class _Bearing(_Stored):
    """One that bears as much noise as it did before."""

    def __init__(self, actions: Float32, bears: BearsNoise) -> None:
        super().__init__(actions)
        self._bears = bears

    def noise_share(self, observation: Observation) -> Float64:
        return self._bears.noise_share(observation)


def _again(
    env: gymnasium.Env[Any, Any],
    demonstration: Demonstration,
    noise: Mapping[str, float] | None,
    bears: Policy | None,
) -> Policy:
    """What gives the environment the actions that it was given, one after the other, (1, A)."""
    actions = demonstration.steps["action"]
    stored = _Bearing(actions, bears) if isinstance(bears, BearsNoise) else _Stored(actions)
    if not noise:
        return stored
    assert isinstance(env.action_space, spaces.Box)
    noisy = add_noise(stored, action_space=env.action_space, **noise)
    noisy.reset(np.ones(1, np.bool_), [demonstration.seed])
    return noisy


def _begin(
    env: gymnasium.Env[Any, Any], demonstration: Demonstration
) -> tuple[Mapping[str, Any], str]:
    """Reset to where an episode began; gives the observation, and what that was taken from."""
    facts, seed = demonstration.facts, demonstration.seed
    start = {name.removeprefix(START): facts[name] for name in facts if name.startswith(START)}
    if start:
        observation, _ = env.reset(seed=seed, options={"recorded_start": start})
        return observation, "recorded start"
    if seed is None:
        raise ConfigError(
            "Nothing says how this episode began: neither a seed nor a start is stored with it."
        )
    observation, _ = env.reset(seed=seed)
    inner = env.unwrapped
    state = facts.get(STATE)
    if state is None or not isinstance(inner, Env) or inner.workcell.simulation is None:
        return observation, "seed"
    fresh = inner.save()
    if fresh.simulation.shape != state.shape or np.array_equal(fresh.simulation, state):
        return (
            observation,
            "seed",
        )  # another simulator, or the seed gives the stored state by itself
    observation, _ = inner.restore(replace(fresh, simulation=state))
    situation = Situation(
        robot=inner.workcell.robot.observe(),
        poses=inner.workcell.scene.poses(),
        step=0,
        variation=fresh.variation,
    )
    progress = inner.task.measure(situation, None)
    observation, _ = inner.restore(replace(fresh, simulation=state, progress=progress))
    return observation, "simulator's state"


def _tuples(value: Any) -> Any:
    """JSON's lists as the tuples that configs hold."""
    if isinstance(value, list):
        return tuple(_tuples(entry) for entry in value)
    return value
