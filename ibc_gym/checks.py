"""What every config checks of itself before anything else, and what the config of a program settles first."""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from numbers import Integral, Real
from operator import index
from pathlib import Path
from typing import Any, Final

import numpy as np

from ibc_gym.errors import ConfigError
from ibc_gym.serialise import members

_KINDS: Final[dict[str, tuple[tuple[type, ...], str]]] = {
    "int": ((Integral,), "a whole number"),
    "float": ((Real,), "a number"),
    "bool": ((bool, np.bool_), "True or False"),
}
"""By the annotation of a field: what it takes, and what that is called."""
_COLDEST: Final = 1e-12
"""Temperature of a softmax: energies of any size that is met, divided by it, are still numbers in single precision."""


def settle(config: Any) -> None:
    """What the config of a program does first: text becomes a path where one is meant, other kinds are refused.

    Raises:
        ConfigError: A field holds another kind of value, or a number that is not finite; it names the field.
    """
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if "Path" in str(field.type) and isinstance(value, str):
            object.__setattr__(config, field.name, Path(value))
    require_finite(config)


def require_finite(config: Any) -> None:
    """Refuse NaN and infinities in a config and in the configs and tuples that it holds, other words and other kinds.

    NaN is neither below nor above any bound, so it would pass most checks that come after this one, and a word that is
    none of a field's would be taken for the last of them. Mappings are left to whom they are meant for: the options of
    a task, the keyword arguments of somebody else's environment.

    Raises:
        ConfigError: A number is not finite, or a value is none of those that a field takes; it names the field.
    """
    _check(config, owner(config))


def require_at_least(config: Any, least: int, *names: str) -> None:
    """Refuse sizes and counts below a bound, in tuples too.

    Raises:
        ConfigError: One is; it names the field.
    """
    for name in names:
        value = getattr(config, name)
        if any(size < least for size in (value if isinstance(value, tuple) else (value,))):
            raise ConfigError(f"{owner(config)}.{name} is {value!r}, but must be at least {least}.")


def require_not_negative(config: Any, *names: str) -> None:
    """Refuse numbers below 0; None says nothing and passes.

    Raises:
        ConfigError: One is; it names the field.
    """
    for name in names:
        value = getattr(config, name)
        if value is not None and value < 0:
            raise ConfigError(f"{owner(config)}.{name} is {value}, but must not be negative.")


def require_share(config: Any, *names: str) -> None:
    """Refuse what is no number in [0, 1].

    Raises:
        ConfigError: A field is none; it is named.
    """
    for name in names:
        check_share(getattr(config, name), f"{owner(config)}.{name}")


def check_share(value: Any, called: str) -> None:
    """Refuse what is no number in [0, 1].

    Raises:
        ConfigError: It is none; it is said what it is called.
    """
    if not (isinstance(value, Real) and 0 <= float(value) <= 1):
        raise ConfigError(f"{called} is {value!r}, but must be in [0, 1].")


def require_positive(config: Any, *names: str) -> None:
    """Refuse 0 and numbers below it.

    Raises:
        ConfigError: One is; it names the field.
    """
    for name in names:
        if getattr(config, name) <= 0:
            raise ConfigError(
                f"{owner(config)}.{name} is {getattr(config, name)}, but must be positive."
            )


def require_temperature(config: Any, *names: str) -> None:
    """Refuse temperatures of a softmax that are not positive, or so low that what is divided by them overflows, and is NaN.

    Raises:
        ConfigError: One is; it names the field.
    """
    require_positive(config, *names)
    for name in names:
        if getattr(config, name) < _COLDEST:
            raise ConfigError(
                f"{owner(config)}.{name} is {getattr(config, name)}, but must be at least {_COLDEST:g}: numbers divided by "
                "less overflow."
            )


def seed_or_none(seed: Any) -> int | None:
    """An episode's seed as generators of 64 bits take it; None is any.

    Raises:
        ConfigError: It is no whole number.
    """
    if seed is None:
        return None
    try:
        return index(seed) % 2**64
    except TypeError as error:
        raise ConfigError(
            f"A seed is a whole number, or None for any, but this one is {seed!r}."
        ) from error


def owner(config: Any) -> str:
    """The config's own name, which a user knows; the class of its flags is derived from it and has another."""
    names = [cls.__name__ for cls in type(config).__mro__]
    return next((name for name in names if name.endswith("Config")), names[0])


def _check(value: Any, where: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{where} is {value}, but must be a finite number.")
    if dataclasses.is_dataclass(value):
        words = _words(type(value))  # type: ignore[arg-type]  # it is an instance
        for field in dataclasses.fields(value):
            inner, called = getattr(value, field.name), f"{where}.{field.name}"
            _check_kind(inner, str(field.type), called)
            if field.name in words and inner not in words[field.name]:
                known = ", ".join(repr(word) for word in words[field.name])
                raise ConfigError(f"{called} is {inner!r}, but must be one of {known}.")
            _check(inner, called)
    elif isinstance(value, tuple | list):
        for number, item in enumerate(value):
            _check(item, f"{where}[{number}]")


def _check_kind(value: Any, kind: str, where: str) -> None:
    types, called = _KINDS.get(kind.removesuffix(" | None"), ((object,), ""))
    optional = kind.endswith(" | None") and value is None
    mistaken = isinstance(value, bool) and kind.startswith(("int", "float"))
    if mistaken or not (optional or isinstance(value, types)):
        raise ConfigError(f"{where} is {value!r}, but must be {called}.")
    if isinstance(value, np.ndarray) and "rray" not in kind and kind != "Any":
        raise ConfigError(f"{where} is an array; give plain numbers, or a tuple of them.")


@functools.cache
def _words(cls: type[Any]) -> dict[str, tuple[Any, ...]]:
    """What the fields of a config may be that are one of a few words, or None, by their names."""
    found = {}
    for name, hint in typing.get_type_hints(cls).items():
        options = members(hint)
        literal = [each for each in options if typing.get_origin(each) is typing.Literal]
        if literal and len(literal) + options.count(types.NoneType) == len(options):
            words = [word for each in literal for word in typing.get_args(each)]
            found[name] = (*words, *([None] if types.NoneType in options else []))
    return found
