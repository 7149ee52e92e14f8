"""Find an environment by its Gymnasium id, and say plainly what is wrong when it cannot be made."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import gymnasium
from gymnasium import error

from ibc_gym.errors import ConfigError, MissingDependency, UnknownName

PACKAGES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "gymnasium_robotics": (
        "gymnasium-robotics",
        ("Adroit", "FrankaKitchen", "Fetch", "HandManipulate", "HandReach", "PointMaze", "AntMaze"),
    ),
    "gym_pusht": ("gym-pusht", ("gym_pusht/",)),
}
"""Modules that register environments when imported: their distribution, and how their ids begin."""


def import_package(id: str) -> None:
    """Import the package that registers `id`, if it is one of `PACKAGES`.

    Raises:
        MissingDependency: The package is not installed.
    """
    if id in gymnasium.registry:
        return
    for module, (distribution, prefixes) in PACKAGES.items():
        if id.startswith(prefixes):
            if find_spec(module) is None:
                raise MissingDependency(distribution, extra="human", needed_for=f"gym:{id}")
            # pygame greets on standard output, where --json prints one object and nothing else.
            os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
            # gymnasium-robotics warns of the reward sign that `human.adroit` turns back.
            with contextlib.redirect_stderr(io.StringIO()):
                import_module(module)


def make(
    id: str, options: Mapping[str, Any], *, render_mode: str | None
) -> gymnasium.Env[Any, Any]:
    """`gymnasium.make` without a time limit, a checker, or a traceback.

    Raises:
        UnknownName: No environment is called that.
        ConfigError: It does not take one of the options, or lacks a library; or `id` is no id at all.
        MissingDependency: The package that it belongs to is not installed.
    """
    if id.startswith(PACKAGES["gymnasium_robotics"][1]):
        from .human import robotics_shim  # only here: others do without the package

        robotics_shim.install()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "out of date": published ids stay as they are
            return gymnasium.make(
                id,
                max_episode_steps=-1,
                disable_env_checker=True,
                render_mode=render_mode,
                **options,
            )
    except error.UnregisteredEnv as problem:
        raise UnknownName(
            "Gymnasium environment", id, _similar(id, gymnasium.registry), more=True
        ) from problem
    except (error.DependencyNotInstalled, error.DeprecatedEnv, ModuleNotFoundError) as problem:
        raise ConfigError(f"gym:{id} cannot be made here: {problem}") from problem
    except error.Error as problem:  # of an id that is none, above all
        raise ConfigError(
            f"There is no gym:{id} ({str(problem).rstrip('.')}). Write gym:ID, such as gym:AdroitHandDoor-v1."
        ) from problem
    except (TypeError, ValueError) as problem:
        raise ConfigError(f"gym:{id} does not take these options: {problem}") from problem


def _similar(id: str, known: Iterable[str]) -> list[str]:
    """The few ids worth naming among about a thousand."""
    return get_close_matches(id, list(known), n=5, cutoff=0.7) or [
        "AdroitHandDoor-v1",
        "FrankaKitchen-v1",
        "gym_pusht/PushT-v0",
    ]
