"""Networks beside what the published ones are, written out layer by layer, and how they begin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ibc_gym.policies.networks.conv_resnet import ConvBottleneck, ConvResNet
from ibc_gym.policies.networks.dense_resnet_value import DenseResnetValue
from ibc_gym.policies.networks.factory import LateFusionConfig, late_fusion_network
from ibc_gym.policies.networks.mlp import MLPDropout
from ibc_gym.policies.networks.pictures import PictureConfig, picture_network
from ibc_gym.policies.networks.resnet import DenseResNet
from ibc_gym.policies.networks.resnet_original import DenseResNetOriginal
from ibc_gym.policies.networks.spatial_softmax import SpatialSoftmax
from ibc_gym.policies.networks.value_mlp import ValueMLP


@pytest.fixture(autouse=True)
def drawn() -> None:
    torch.manual_seed(3)


def unlike_one_another(network: nn.Module) -> None:
    """Biases begin at zero, where nobody sees whether a layer has one."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.3)


def bottleneck(block: ConvBottleneck, x: Tensor) -> Tensor:
    inner = F.conv2d(x.clamp(min=0), block.down.weight, block.down.bias)
    inner = F.conv2d(inner.clamp(min=0), block.middle.weight, block.middle.bias, padding=1)
    return x + F.conv2d(inner.clamp(min=0), block.up.weight, block.up.bias)


def means(maps: Tensor) -> Tensor:
    return maps.flatten(2).mean(dim=2)


def places(maps: Tensor) -> Tensor:
    """Expected row and column of every map in [-1, 1]."""
    height, width = maps.shape[2:]
    share = torch.softmax(maps.flatten(2), dim=2).unflatten(2, (height, width))
    rows = (share.sum(dim=3) * torch.linspace(-1, 1, height)).sum(dim=2)
    columns = (share.sum(dim=2) * torch.linspace(-1, 1, width)).sum(dim=2)
    return torch.cat([rows, columns], dim=1)


@pytest.mark.parametrize("pooling, pool", [("average", means), ("spatial_softmax", places)])
def test_conv_resnet_is_coordinates_bottlenecks_and_pooling(
    pooling: Any, pool: Callable[[Tensor], Tensor]
) -> None:
    network = ConvResNet((3, 5, 7), filters=8, blocks=2, heads=4, pooling=pooling)
    unlike_one_another(network)
    picture = torch.randn(2, 3, 5, 7)
    row = torch.linspace(-1, 1, 5)[:, None].expand(2, 1, 5, 7)
    column = torch.linspace(-1, 1, 7).expand(2, 1, 5, 7)
    x = F.conv2d(
        torch.cat([picture, row, column], dim=1),
        network.first.weight,
        network.first.bias,
        padding=1,
    )
    for block in network.blocks:
        assert isinstance(block, ConvBottleneck)
        x = bottleneck(block, x)
    maps = F.conv2d(x, network.last.weight, network.last.bias)
    if isinstance(network.pool, SpatialSoftmax):
        maps = maps / network.pool.temperature
    # In which order it tells rows and columns is its own.
    torch.testing.assert_close(network(picture).sort(dim=1).values, pool(maps).sort(dim=1).values)


@pytest.mark.parametrize("coordinates", [False, True])
def test_small_encoder_sees_coordinates_if_its_config_says_so(coordinates: bool) -> None:
    network = picture_network(PictureConfig(channels=(4,), coordinates=coordinates), (3, 16, 16))
    (first,) = [part for part in network.modules() if isinstance(part, nn.Conv2d)]
    assert first.in_channels == 3 + 2 * coordinates


TRUNKS: dict[str, Callable[..., nn.Module]] = {
    "resnet": lambda how: DenseResNet(64, 64, width=64, depth=2, initialisation=how),
    "resnet_original": lambda how: DenseResNetOriginal(
        64, 64, width=64, depth=2, initialisation=how
    ),
    "mlp": lambda how: MLPDropout(64, 64, width=64, depth=2, initialisation=how),
    "dense_resnet": lambda how: DenseResnetValue(64, 64, width=256, blocks=1, initialisation=how),
    "value_mlp": lambda how: ValueMLP(64, width=64, initialisation=how),
    "encoder": lambda how: (
        late_fusion_network(
            LateFusionConfig(width=64, depth=2, initialisation=how), 64, {}, 2
        ).encoder
    ),
}


@pytest.mark.parametrize("trunk", TRUNKS)
def test_published_beginning_is_normal_for_weights_and_biases(trunk: str) -> None:
    layers = [part for part in TRUNKS[trunk]("normal").modules() if isinstance(part, nn.Linear)]
    assert len(layers) > 2
    weights = torch.cat([layer.weight.detach().flatten() for layer in layers])
    biases = torch.cat([layer.bias.detach() for layer in layers])
    assert float(weights.std()) == pytest.approx(0.05, rel=0.03)
    assert float(biases.std()) == pytest.approx(0.05, rel=0.25)
    assert float(weights.abs().max()) > 3 * 0.05, "it is not uniform"
    usual = [part for part in TRUNKS[trunk]("default").modules() if isinstance(part, nn.Linear)]
    assert all(float(part.weight.detach().abs().max()) <= part.in_features**-0.5 for part in usual)
