"""Configs and spaces as plain JSON, and exactly back again, without executing anything."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ibc_gym.errors import ConfigError, SpecMismatch, UnknownName

Config = TypeVar("Config")

KIND = "type"
"""Key that tells which dataclass stands where a field may hold one of several."""


def to_json(config: Any) -> dict[str, Any]:
    """A dataclass, with all that it holds, as plain JSON.

    Fields may hold dataclasses, tuples, mappings by string, paths, strings, numbers, booleans and None.

    Raises:
        ConfigError: A field holds something else.
    """
    hints = typing.get_type_hints(type(config))
    return {
        field.name: _pack(getattr(config, field.name), hints[field.name], field.name)
        for field in dataclasses.fields(config)
    }


def json_line(value: Any) -> str:
    """Tables, lists, arrays, paths and numbers as one line of JSON, its end included.

    NaN and infinity, for which JSON has no word and at which other programs stop reading, are null.

    Raises:
        TypeError: JSON has no word for something else in it, either.
    """
    return json.dumps(_told(value), allow_nan=False) + "\n"


def _told(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _told(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_told(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def from_json(cls: type[Config], numbers: Mapping[str, Any]) -> Config:
    """Read back what `to_json` gave; a field that is left out takes its default.

    Where it stands for a tuple, a tuple will do as well as JSON's list.

    Raises:
        ConfigError: A key is no field of `cls`, a field without default is missing, or a value does not fit.
    """
    return _read(cls, numbers, cls.__name__)


def switched_on(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a config as JSON, but for those that are off (0, False, None, empty), inner ones too.

    What was written before a setting existed does not name it: it was off.
    """
    inner = {
        name: switched_on(value) if isinstance(value, Mapping) else value
        for name, value in settings.items()
    }
    return {name: value for name, value in inner.items() if value}


def space_to_json(space: spaces.Space[Any]) -> dict[str, Any]:
    """A Gymnasium Box, or a Dict of such, as plain JSON.

    Raises:
        SpecMismatch: It is another kind of space.
    """
    if isinstance(space, spaces.Dict):
        return {
            "space": "dict",
            "spaces": {key: space_to_json(inner) for key, inner in space.items()},
        }
    if isinstance(space, spaces.Box):
        return {
            "space": "box",
            "shape": list(space.shape),
            "dtype": np.dtype(space.dtype).name,
            "low": _bound_to_json(space.low),
            "high": _bound_to_json(space.high),
        }
    raise SpecMismatch(
        f"A space is a {type(space).__name__}, but only Box and Dict of Box can be saved. "
        "Wrap the environment so that it shows arrays."
    )


def space_from_json(numbers: Mapping[str, Any]) -> spaces.Space[Any]:
    """Read back what `space_to_json` gave.

    Raises:
        SpecMismatch: The numbers describe no such space.
    """
    try:
        if numbers["space"] == "dict":
            return spaces.Dict(
                {key: space_from_json(inner) for key, inner in numbers["spaces"].items()}
            )
        if numbers["space"] != "box":
            raise ValueError(f"unknown kind {numbers['space']!r}")
        shape, dtype = tuple(numbers["shape"]), np.dtype(numbers["dtype"])
        low = _bound_from_json(numbers["low"], shape, dtype)
        high = _bound_from_json(numbers["high"], shape, dtype)
        return spaces.Box(low, high, shape=shape, dtype=dtype.type)
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError) as error:
        raise SpecMismatch(f"A saved space cannot be read: {error!r}.") from error


def _bound_to_json(bound: NDArray[Any]) -> Any:
    """One number where all are equal (an image's 0 and 255), else a flat list."""
    flat = [_pack_number(value) for value in bound.ravel().tolist()]
    return flat[0] if flat and all(value == flat[0] for value in flat) else flat


def _bound_from_json(numbers: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    if isinstance(numbers, list):
        values = [float(value) if isinstance(value, str) else value for value in numbers]
        return np.array(values, dtype=dtype).reshape(shape)
    return np.full(shape, float(numbers) if isinstance(numbers, str) else numbers, dtype=dtype)


def _pack_number(value: Any) -> Any:
    """JSON has no infinity: it becomes a word."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _pack(value: Any, hint: Any, where: str) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        packed = to_json(value)
        if len(_dataclasses_of(hint)) > 1:
            return {KIND: type(value).__name__, **packed}
        return packed
    if isinstance(value, tuple | list):
        return [
            _pack(item, _item_hint(hint, number), f"{where}[{number}]")
            for number, item in enumerate(value)
        ]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        inner = (get_args(hint) or (str, Any))[-1]
        return {key: _pack(item, inner, f"{where}[{key!r}]") for key, item in value.items()}
    if isinstance(value, Path):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return _pack_number(value)
    raise ConfigError(
        f"{where} holds a {type(value).__name__}, which has no plain JSON form; "
        "use numbers, strings, tuples and dataclasses."
    )


def _item_hint(hint: Any, number: int) -> Any:
    for option in members(hint):
        if get_origin(option) in (tuple, list):
            items = [item for item in get_args(option) if item is not Ellipsis]
            return items[min(number, len(items) - 1)] if items else Any
    return Any


def members(hint: Any) -> tuple[Any, ...]:
    """The members of a union, or the type alone."""
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _dataclasses_of(hint: Any) -> list[type[Any]]:
    return [
        option
        for option in members(hint)
        if isinstance(option, type) and dataclasses.is_dataclass(option)
    ]


def _read(cls: type[Config], numbers: Any, where: str) -> Config:
    if not isinstance(numbers, Mapping):
        raise ConfigError(f"{where} should be a table of fields, not {numbers!r}.")
    hints = typing.get_type_hints(cls)
    known = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    for key in numbers:
        if key not in known:
            raise ConfigError(str(UnknownName(f"field of {cls.__name__}", key, known)))
    values = {key: _unpack(value, hints[key], f"{where}.{key}") for key, value in numbers.items()}
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigError(f"{where} cannot be made: {error}.") from error


def _unpack(value: Any, hint: Any, where: str) -> Any:
    options = members(hint)
    if isinstance(value, tuple(_dataclasses_of(hint))):
        return value  # a config that was made already
    if isinstance(value, Mapping) and (found := _dataclasses_of(hint)):
        return _unpack_dataclass(value, found, where)
    for option in options:
        fits, result = _try(value, option, where)
        if fits:
            return result
    raise ConfigError(f"{where} is {value!r}, which is no {_name(hint)}.")


def _unpack_dataclass(value: Mapping[str, Any], found: list[type[Any]], where: str) -> Any:
    if len(found) == 1:
        return _read(found[0], value, where)
    by_name = {cls.__name__: cls for cls in found}
    kind = str(value.get(KIND))
    if kind not in by_name:
        raise ConfigError(f"{where}: {UnknownName('config', kind, by_name)}")
    return _read(by_name[kind], {key: item for key, item in value.items() if key != KIND}, where)


def _try(value: Any, option: Any, where: str) -> tuple[bool, Any]:
    """Whether a JSON value fits one type, and what it becomes; one of NumPy's counts as what it holds."""
    if isinstance(value, np.generic):
        value = value.item()
    origin = get_origin(option)
    if option is Any:
        return True, value
    if option is None or option is type(None):
        return value is None, None
    if origin is Literal:
        return any(value == word and type(value) is type(word) for word in get_args(option)), value
    if origin in (tuple, list):
        return _try_sequence(value, option, where)
    if origin is not None and isinstance(value, Mapping):
        inner = get_args(option)[-1]
        return True, {key: _unpack(item, inner, f"{where}[{key!r}]") for key, item in value.items()}
    return _try_scalar(value, option)


def _try_scalar(value: Any, option: Any) -> tuple[bool, Any]:
    if option is float:
        if value in ("inf", "-inf", "nan"):
            return True, float(value)
        return isinstance(value, int | float) and not isinstance(value, bool), value
    if option is Path:
        return isinstance(value, str), Path(value) if isinstance(value, str) else value
    if option is int:
        return isinstance(value, int) and not isinstance(value, bool), value
    return isinstance(option, type) and isinstance(value, option), value


def _try_sequence(value: Any, option: Any, where: str) -> tuple[bool, Any]:
    if not isinstance(value, list | tuple):
        return False, value
    items = get_args(option)
    if get_origin(option) is tuple and Ellipsis not in items and len(items) != len(value):
        return False, value
    made = [
        _unpack(item, _item_hint(option, number), f"{where}[{number}]")
        for number, item in enumerate(value)
    ]
    return True, tuple(made) if get_origin(option) is tuple else made


def _name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
