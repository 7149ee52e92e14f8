"""Dense networks by their configs: layers as they are counted in the paper, shapes, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from trials import trials

from ibc_gym.errors import ConfigError
from ibc_gym.policies.networks.dense_resnet_value import DenseResnetValue
from ibc_gym.policies.networks.resnet_original import DenseResNetOriginal
from ibc_gym.policies.networks.trunks import TrunkConfig, trunk_network

PER_BLOCK = {"resnet": 2, "resnet_original": 2, "mlp": 1, "dense_resnet": 3}


def dense_layers(network: nn.Module) -> int:
    return sum(isinstance(part, nn.Linear) for part in network.modules())


@settings(max_examples=trials(20), deadline=None)
@given(
    trunk=st.sampled_from(sorted(PER_BLOCK)),
    blocks=st.integers(1, 3),
    width=st.integers(1, 4),
    inputs=st.integers(1, 6),
    outputs=st.integers(1, 4),
    leading=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    activation=st.sampled_from(["relu", "swish"]),
    initialisation=st.sampled_from(["normal", "default"]),
)
def test_any_trunk_maps_any_batch(
    trunk: Any,
    blocks: int,
    width: int,
    inputs: int,
    outputs: int,
    leading: list[int],
    activation: Any,
    initialisation: Any,
) -> None:
    config = TrunkConfig(
        trunk=trunk,
        width=4 * width,
        depth=PER_BLOCK[trunk] * blocks,
        activation=activation,
        initialisation=initialisation,
    )
    network = trunk_network(config, inputs, outputs)
    x = torch.randn(*leading, inputs)
    assert network(x).shape == (*leading, outputs)
    torch.testing.assert_close(network.after_projection(network.projection(x)), network(x))


@pytest.mark.parametrize(("trunk", "extra"), [("resnet", 2), ("resnet_original", 2), ("mlp", 1)])
def test_depth_counts_as_in_the_published_tables(trunk: Any, extra: int) -> None:
    network = trunk_network(TrunkConfig(trunk=trunk, width=128, depth=8), 20, 2)
    assert dense_layers(network) == 8 + extra
    count = sum(parameter.numel() for parameter in network.parameters())
    hidden = 8 if extra == 2 else 7
    assert count == 21 * 128 + hidden * (128 * 128 + 128) + 129 * 2


@pytest.mark.parametrize(("blocks", "layers"), [(2, 8), (4, 14), (6, 20)])
def test_value_network_has_the_layers_of_the_sweeping_table(blocks: int, layers: int) -> None:
    assert dense_layers(DenseResnetValue(10, width=16, blocks=blocks)) == layers
    trunk = TrunkConfig(trunk="dense_resnet", width=16, depth=3 * blocks)
    assert dense_layers(trunk_network(trunk, 10, 3)) == layers


def test_value_network_called_1024x4_is_one_block() -> None:
    network = DenseResnetValue(256 + 2, width=1024, blocks=1)
    assert dense_layers(network) == 4 + 1  # the head is not counted
    count = sum(parameter.numel() for parameter in network.parameters())
    block = (1024 * 256 + 256) + (256 * 256 + 256) + (256 * 1024 + 1024)
    assert count == (258 * 1024 + 1024) + block + 1025


def test_original_block_is_activated_after_the_sum() -> None:
    network = DenseResNetOriginal(3, 2, width=8, depth=4, initialisation="default")
    inputs = torch.randn(5, 3)
    x = network.projection(inputs)
    for block in network.blocks:
        first, second = block.get_submodule("first"), block.get_submodule("second")
        x = torch.relu(x + second(torch.relu(first(x))))
    torch.testing.assert_close(network(inputs), network.head(x))


@pytest.mark.parametrize("trunk", sorted(PER_BLOCK))
def test_dropout_is_for_training_alone(trunk: Any) -> None:
    network = trunk_network(TrunkConfig(trunk=trunk, width=64, depth=6, dropout=0.5), 3, 2)
    x = torch.randn(4, 3)
    assert not torch.equal(network(x), network(x))
    network.eval()
    assert torch.equal(network(x), network(x))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"depth": 3}, "multiple of 2"),
        ({"trunk": "resnet_original", "depth": 5}, "multiple of 2"),
        ({"trunk": "dense_resnet", "depth": 4}, "multiple of 3"),
        ({"trunk": "dense_resnet", "depth": 3, "width": 6}, "multiple of 4"),
        ({"depth": 0}, "depth is 0"),
        ({"width": 0}, "width is 0"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_trunk_that_cannot_be_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        TrunkConfig(**wrong)
