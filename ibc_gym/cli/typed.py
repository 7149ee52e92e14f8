"""Fields of configs, as messages name them, turned into the flags that a person types."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from types import ModuleType
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from ibc_gym.tables import PEOPLE, POLICIES, TASKS

_CONFIG_FIELD: Final = re.compile(r"\b(\w+Config)\.(\w+(?:\.\w+)*)")

_RENAMED: Final = {"TrainConfig.policy": "policy.type", "TrainConfig.policy_config": "policy"}
"""Flags that `ibc-gym train` calls otherwise than its config does."""

_RANDOMISATION_FIELD: Final = re.compile(r"\b\w*Randomisation\.(\w+)")


def flag_groups(config: type[Any], group: str = "") -> dict[str, str]:
    """What stands before the fields of a config and of those in it, by class: {"RollbackConfig": "rollback."}.

    A class of flags is its own and all that it is derived from.

    Args:
        config: A dataclass that flags are made from.
        group: What stands before its own.
    """
    found: dict[str, str] = {}
    hints = get_type_hints(config, include_extras=True)
    for field in dataclasses.fields(config):
        kind, name = _unwrapped(hints[field.name], field.name.replace("_", "-"))
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            found |= flag_groups(kind, f"{group}{name}.")
    return found | {cls.__name__: group for cls in config.__mro__ if dataclasses.is_dataclass(cls)}


def groups_of_command(module: ModuleType) -> dict[str, str]:
    """`flag_groups` of the configs that a command's module takes."""
    found: dict[str, str] = {}
    for value in vars(module).values():
        if isinstance(value, type) and dataclasses.is_dataclass(value):
            found |= flag_groups(value)
    return found


def as_typed(said: str, groups: Mapping[str, str]) -> str:
    """A message with every field's flag where its class says which: "EvalConfig.episodes" is `--episodes`.

    Args:
        said: The message.
        groups: From `flag_groups`; of tasks, policies and a person's hand the tables know.
    """
    groups = {**_of_tables(), **groups}

    def flag(found: re.Match[str]) -> str:
        group, (field, *parts) = groups.get(found[1]), found[2].split(".")
        path = ".".join((_RENAMED.get(f"{found[1]}.{field}", field), *parts))
        return found[0] if group is None else f"--{group}{path.replace('_', '-')}"

    said = _CONFIG_FIELD.sub(flag, said)
    return _RANDOMISATION_FIELD.sub(
        lambda found: f"--task.randomisation.{found[1].replace('_', '-')}", said
    )


def _of_tables() -> dict[str, str]:
    tasks = ["".join(part.capitalize() for part in task.split("-")) for task in TASKS]
    policies = [where.rpartition(":")[2] for where in POLICIES.values()]
    return {
        **{f"{name}Config": "task." for name in tasks},
        **{f"{name}Config": "policy." for name in policies},
        PEOPLE["hand"].rpartition(":")[2]: "",
    }


def _unwrapped(kind: Any, name: str) -> tuple[Any, str]:
    """A field's type without its notes for tyro, and the name that these give it."""
    while get_origin(kind) is Annotated:
        kind, *notes = get_args(kind)
        name = next((note.name for note in notes if getattr(note, "name", None)), name)
    return kind, name
