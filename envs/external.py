"""Any Gymnasium environment by its id, in the shape of our own.

`make_external("AdroitHandDoor-v1", horizon=300)` shows "state" as float32, fills `info` with the same truths as
`ibc_gym.env.Env`, counts reward and success as the published benchmark does where we know it (`human.facts`), and
gives the same episode for the same seed. Recorder, rollout and evaluator need nothing special.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import gymnasium
import numpy as np
from gymnasium import spaces

from ibc_gym.errors import ConfigError

from . import external_registry
from .external_env import ExternalEnv
from .external_task import ExternalConfig, ExternalTask
from .human.adapter import Adapter
from .human.facts import FACTS, UNKNOWN, Facts

OBSERVATIONS: Final = ("state", "image", "state+image")
DEFAULT_HORIZON: Final = 1000
"""Steps, where neither the environment nor the caller names a limit (as the published evaluation has it)."""


def make_external(
    id: str,
    *,
    workcell: str | None = None,
    observation: str = "state",
    render_mode: str | None = None,
    horizon: int | None = None,
    reward: str = "benchmark",
    layout: str = "installed",
    **options: Any,
) -> ExternalEnv:
    """Any Gymnasium environment whose actions are a box of real numbers.

    Args:
        id: Gymnasium's id.
        workcell: "gym" or None.
        observation: "state" (box observations, flattened), "image" (the rendered picture) or "state+image".
        render_mode: "rgb_array" or None.
        horizon: Steps after which an episode is cut off; the registered limit by default.
        reward: "benchmark" or "installed"; they differ for the Adroit hand.
        layout: "installed" or, for the kitchen, "d4rl".
        **options: The environment's own keyword arguments, such as `tasks_to_complete`.

    Raises:
        UnknownName: No environment is called that.
        MissingDependency: The package that it comes from is not installed.
        ConfigError: An option makes no sense, or the spaces are not boxes.
    """
    _check_choices(workcell, observation, render_mode)
    facts = FACTS.get(id, UNKNOWN)
    config = ExternalConfig(
        id=id,
        horizon=horizon,
        reward=reward,
        layout=layout,
        options={**facts.options, **options},
    )
    external_registry.import_package(id)
    pictures = "image" in observation
    mode = "rgb_array" if pictures or render_mode else None
    adapter = _make_adapter(facts, config, mode)
    try:
        task = _describe(adapter, config, facts, states="state" in observation)
        image_space = _image_space(adapter) if pictures else None
    except BaseException:
        adapter.close()
        raise
    return ExternalEnv(adapter, task, render_mode=render_mode, image_space=image_space)


def _check_choices(workcell: str | None, observation: str, render_mode: str | None) -> None:
    if workcell not in (None, *ExternalTask.workcells):
        raise ConfigError(
            f"Environments of Gymnasium run in their own simulator, not in workcell {workcell!r}; leave it out."
        )
    if observation not in OBSERVATIONS:
        raise ConfigError(f"observation={observation!r} is not one of {', '.join(OBSERVATIONS)}.")
    if render_mode not in (None, *ExternalEnv.metadata["render_modes"]):
        raise ConfigError(f"render_mode={render_mode!r} is not known; use 'rgb_array' or None.")


def _make_adapter(facts: Facts, config: ExternalConfig, render_mode: str | None) -> Adapter:
    """Load the adapter, and only then make the environment."""
    module, attribute = facts.adapter.split(":")
    kind: type[Adapter] = getattr(import_module(f".human.{module}", __package__), attribute)
    env = external_registry.make(config.id, config.options, render_mode=render_mode)
    try:
        return kind(env, config)
    except BaseException:
        env.close()
        raise


def _describe(
    adapter: Adapter, config: ExternalConfig, facts: Facts, *, states: bool
) -> ExternalTask:
    registered = gymnasium.spec(config.id).max_episode_steps
    return ExternalTask(
        config=config,
        name=f"gym:{config.id}",
        horizon=config.horizon or registered or DEFAULT_HORIZON,
        control_period=adapter.control_period(),
        action_space=_action_space(adapter.env.action_space, config.id),
        feature_spaces={"state": adapter.state_space()} if states else {},
        feature_names={"state": adapter.state_names()} if states else {},
        reference_scores=facts.reference_scores,
        score=facts.score,
        action_names=facts.action_names,
    )


def _action_space(space: spaces.Space[Any], id: str) -> spaces.Box:
    """The actions as one float32 vector, (A,)."""
    if not isinstance(space, spaces.Box) or not np.issubdtype(space.dtype, np.floating):
        raise ConfigError(
            f"gym:{id} takes {space}, but policies here give boxes of real numbers only."
        )
    low, high = (bound.astype(np.float32).ravel() for bound in (space.low, space.high))
    return spaces.Box(low, high)


def _image_space(adapter: Adapter) -> spaces.Box:
    """The space of pictures, found by taking one."""
    adapter.env.reset(seed=0)
    return spaces.Box(0, 255, adapter.picture().shape, np.uint8)
