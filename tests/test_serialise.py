"""Configs and spaces come back from JSON exactly, and nonsense is refused in clear words."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.serialise import from_json, json_line, space_from_json, space_to_json, to_json


@dataclass(frozen=True, kw_only=True)
class Walk:
    step: float = 0.1
    clip: float | None = None


@dataclass(frozen=True, kw_only=True)
class Search:
    samples: int = 512
    scales: tuple[float, ...] = (0.33, 0.165)


@dataclass(frozen=True, kw_only=True)
class Whole:
    name: str = "a"
    flag: bool = False
    mode: Literal["fast", "slow"] = "fast"
    size: tuple[int, int] | None = None
    where: Path = Path("somewhere")
    optimiser: Search | Walk = field(default_factory=Search)
    inner: Walk = field(default_factory=Walk)
    nested: tuple[tuple[str, ...], ...] = ()
    rates: dict[str, float] = field(default_factory=dict)
    extra: Any = None


numbers = st.floats(allow_nan=False)
walks = st.builds(Walk, step=numbers, clip=st.none() | numbers)
searches = st.builds(Search, samples=st.integers(), scales=st.lists(numbers).map(tuple))
wholes = st.builds(
    Whole,
    name=st.text(),
    flag=st.booleans(),
    mode=st.sampled_from(["fast", "slow"]),
    size=st.none() | st.tuples(st.integers(), st.integers()),
    where=st.sampled_from([Path("a/b"), Path("/c")]),
    optimiser=searches | walks,
    inner=walks,
    nested=st.lists(st.lists(st.text()).map(tuple)).map(tuple),
    rates=st.dictionaries(st.text(), numbers),
    extra=st.none() | st.integers() | st.text(),
)


@given(config=wholes)
def test_any_config_comes_back_equal(config: Whole) -> None:
    text = json.dumps(to_json(config), allow_nan=False)
    assert from_json(Whole, json.loads(text)) == config


@st.composite
def boxes(draw: st.DrawFn) -> spaces.Box:
    dtypes: list[type[np.floating[Any] | np.integer[Any]]]
    dtypes = [np.float32, np.float64, np.uint8, np.int64]
    dtype = draw(st.sampled_from(dtypes))
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, max_side=4))
    if np.issubdtype(dtype, np.floating):
        values = st.floats(allow_nan=False, width=32)
    else:
        values = st.integers(0, 255)
    ends = [draw(hnp.arrays(dtype, shape, elements=values)) for _ in range(2)]
    low, high = np.minimum(*ends), np.maximum(*ends)
    if np.issubdtype(dtype, np.floating):  # a box may not be empty at infinity
        low, high = np.where(low == np.inf, 0, low), np.where(high == -np.inf, 0, high)
    return spaces.Box(low.astype(dtype), high.astype(dtype), shape=shape, dtype=dtype)


@given(
    space=boxes()
    | st.dictionaries(st.text(min_size=1), boxes()).map(lambda found: spaces.Dict(dict(found)))
)
def test_any_space_comes_back_to_the_last_bit(space: spaces.Space[Any]) -> None:
    again = space_from_json(json.loads(json.dumps(space_to_json(space), allow_nan=False)))
    assert again == space
    if isinstance(space, spaces.Box):
        assert isinstance(again, spaces.Box)
        assert again.dtype == space.dtype
        np.testing.assert_array_equal(again.low, space.low)
        np.testing.assert_array_equal(again.high, space.high)


def test_picture_space_is_two_numbers_not_thousands() -> None:
    space = spaces.Box(0, 255, (240, 320, 3), np.uint8)
    assert len(json.dumps(space_to_json(space))) < 200


@pytest.mark.parametrize(
    "numbers, words",
    [
        ({"flagg": True}, "flag"),
        ({"mode": "quick"}, "mode.*'quick'"),
        ({"flag": 1}, "flag"),
        ({"size": [1, 2, 3]}, "size"),
        ({"name": None}, "name"),
        ({"inner": {"step": "far"}}, "Whole.inner.step"),
        ({"inner": {"speed": 1}}, "speed"),
        ({"optimiser": {"type": "Serch"}}, "Did you mean 'Search'"),
        ({"inner": 3}, "inner"),
    ],
)
def test_wrong_config_is_refused_with_the_field_that_is_wrong(
    numbers: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        from_json(Whole, numbers)


def test_missing_field_takes_its_default() -> None:
    assert from_json(Whole, {"name": "b"}) == Whole(name="b")


def test_config_that_holds_an_object_cannot_be_saved() -> None:
    with pytest.raises(ConfigError, match="extra holds a object"):
        to_json(Whole(extra=object()))


@pytest.mark.parametrize(
    "numbers",
    [
        {},
        {"space": "ball"},
        {"space": "box", "shape": [2], "dtype": "float32", "low": [0], "high": [1]},
        {"space": "box", "shape": [1], "dtype": "object_of_mine", "low": 0, "high": 1},
        {"space": "dict", "spaces": [1]},
    ],
)
def test_damaged_space_is_refused(numbers: dict[str, Any]) -> None:
    with pytest.raises(SpecMismatch, match="cannot be read"):
        space_from_json(numbers)


def test_discrete_space_cannot_be_saved() -> None:
    with pytest.raises(SpecMismatch, match="Discrete"):
        space_to_json(spaces.Discrete(3))


def test_line_of_json_is_read_by_any_program() -> None:
    said = {
        "loss": np.float64("nan"),
        "most": [float("inf"), np.float32(0.5)],
        "ends": np.array([1.0, -np.inf]),
        "path": Path("a/b"),
        "none": None,
        "count": 3,
    }
    line = json_line(said)
    assert line.endswith("}\n")
    assert json.loads(line, parse_constant=pytest.fail) == {
        "loss": None,
        "most": [None, 0.5],
        "ends": [1.0, None],
        "path": "a/b",
        "none": None,
        "count": 3,
    }
    with pytest.raises(TypeError):
        json_line({"task": object()})
