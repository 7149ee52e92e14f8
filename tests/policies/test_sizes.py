"""Sizes and counts of a policy that make no sense are refused when its config is made."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from ibc_gym.errors import ConfigError
from ibc_gym.loading import load
from ibc_gym.policies.networks.factory import EncoderConfig, LateFusionConfig
from ibc_gym.policies.networks.pictures import PictureConfig
from ibc_gym.tables import POLICIES

Path = tuple[str, ...]


def whole_numbers(config: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every field of a config, and of those in it, that holds whole numbers, with -1 in place of one."""
    for field in dataclasses.fields(config):
        value, here = getattr(config, field.name), (*path, field.name)
        if dataclasses.is_dataclass(value):
            yield from whole_numbers(value, here)
        elif str(field.type).startswith("int"):
            yield here, -1
        elif str(field.type).startswith("tuple[int"):
            yield here, (4, -1)


def changed(config: Any, path: Path, value: Any) -> Any:
    """The config with another value of a field, or of a field of a config in it."""
    name, *below = path
    inner = changed(getattr(config, name), tuple(below), value) if below else value
    return dataclasses.replace(config, **{name: inner})


@pytest.mark.parametrize("policy", POLICIES)
def test_no_size_of_a_policy_is_negative(policy: str) -> None:
    config = load(POLICIES, policy, "policy").Config()
    taken = []
    fields = list(whole_numbers(config))
    assert len(fields) > 4
    for path, value in fields:
        try:
            changed(config, path, value)
        except ConfigError:
            continue
        taken.append((path, value))
    assert taken == []


@pytest.mark.parametrize(
    ("kind", "wrong", "said"),
    [
        (LateFusionConfig, {"value_width": 0}, r"LateFusionConfig\.value_width is 0"),
        (LateFusionConfig, {"value_blocks": 0}, r"LateFusionConfig\.value_blocks is 0"),
        (
            LateFusionConfig,
            {"value": "dense_resnet", "value_width": 6},
            r"LateFusionConfig\.value_width is 6.*multiple of 4",
        ),
        (LateFusionConfig, {"width": 0}, r"LateFusionConfig\.width is 0"),
        (LateFusionConfig, {"depth": 3}, r"LateFusionConfig\.depth is 3"),
        (EncoderConfig, {"trunk_depth": -2}, r"EncoderConfig\.trunk_depth is -2"),
        (PictureConfig, {"channels": (8, 0)}, r"PictureConfig\.channels is \(8, 0\)"),
    ],
)
def test_size_that_a_network_cannot_have_is_refused_by_name(
    kind: Any, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        kind(**wrong)


def test_width_of_a_value_network_without_bottlenecks_is_free() -> None:
    assert LateFusionConfig(value_width=6).value_width == 6
