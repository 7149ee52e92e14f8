"""What a row of `tables.py` names, imported when it is asked for: nobody needs PyBullet to drive an arm, or an arm's SDK to train."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ibc_gym.errors import MissingDependency, UnknownName


def load(table: Mapping[str, str], name: str, kind: str) -> Any:
    """The attribute that a row names.

    Raises:
        UnknownName: No row is called that.
        MissingDependency: It needs a library that is not installed.
    """
    if name not in table:
        raise UnknownName(kind, name, table, listed_by="ibc-gym list")
    return attribute(table[name], f"The {kind} {name!r}")


def attribute(path: str, needed_for: str) -> Any:
    """What `"module:attribute"` names; `needed_for` says in an error who asks.

    Raises:
        MissingDependency: Its module needs a library that is not installed.
    """
    module, name = path.split(":")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        explained = MissingDependency.explaining(error, needed_for=needed_for)
        if explained is None:
            raise
        raise explained from error
