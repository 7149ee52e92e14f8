"""Every choice in a network's config is what is built."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrize

from ibc_gym.policies.networks.dense_resnet_value import DenseResnetValue
from ibc_gym.policies.networks.factory import (
    EncoderConfig,
    JointConfig,
    LateFusionConfig,
    joint_network,
    late_fusion_network,
    observation_encoder,
)
from ibc_gym.policies.networks.mlp import MLPDropout
from ibc_gym.policies.networks.resnet import DenseResNet
from ibc_gym.policies.networks.resnet_original import DenseResNetOriginal
from ibc_gym.policies.networks.trunks import Trunk, TrunkConfig, trunk_network
from ibc_gym.policies.networks.value_mlp import ValueMLP

KINDS: dict[Trunk, Any] = {
    "resnet": DenseResNet,
    "resnet_original": DenseResNetOriginal,
    "mlp": MLPDropout,
    "dense_resnet": DenseResnetValue,
}


def trunk(**settings: Any) -> nn.Module:
    torch.manual_seed(0)
    return trunk_network(TrunkConfig(width=8, depth=6, **settings), 3, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_trunk_is_the_one_that_its_config_names(kind: Trunk) -> None:
    assert type(trunk(trunk=kind)) is KINDS[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_trunk_is_activated_as_its_config_says(kind: Trunk) -> None:
    """Of the same weights; without an activation a network of two layers or more would be linear."""
    x = torch.linspace(-3, 3, 15).reshape(5, 3)
    with_relu, with_swish = (trunk(trunk=kind, activation=name)(x) for name in ("relu", "swish"))
    assert not torch.allclose(with_relu, with_swish, atol=1e-4)


@pytest.mark.parametrize(("activation", "function"), [("relu", F.relu), ("swish", F.silu)])
def test_mlp_is_dense_layers_with_an_activation_after_each(activation: Any, function: Any) -> None:
    torch.manual_seed(0)
    network = MLPDropout(3, 2, width=8, depth=3, activation=activation, initialisation="default")
    x = torch.linspace(-3, 3, 15).reshape(5, 3)
    inner = function(network.projection(x))
    for layer in network.layers:
        inner = function(layer(inner))
    torch.testing.assert_close(network(x), network.head(inner))


def test_value_network_of_late_fusion_is_the_one_that_its_config_names() -> None:
    small = late_fusion_network(LateFusionConfig(width=8, value_width=8), 3, {}, 2)
    assert isinstance(small.value, ValueMLP)
    config = LateFusionConfig(width=8, value="dense_resnet", value_width=8, value_blocks=3)
    published = late_fusion_network(config, 3, {}, 2)
    assert isinstance(published.value, DenseResnetValue)
    assert len(published.value.blocks) == 3


@pytest.mark.parametrize("fused", ["joint", "late"])
def test_spectral_norm_holds_every_dense_layer(fused: str) -> None:
    def built(dense: Any) -> nn.Module:
        if fused == "joint":
            return joint_network(JointConfig(width=8, depth=2, dense=dense), 3, 2)
        return late_fusion_network(LateFusionConfig(width=8, depth=2, dense=dense), 3, {}, 2)

    for dense, held in (("regular", False), ("spectral_norm", True)):
        layers = [part for part in built(dense).modules() if isinstance(part, nn.Linear)]
        assert len(layers) > 3
        assert {parametrize.is_parametrized(layer) for layer in layers} == {held}


def test_features_are_handed_on_as_they_are_where_their_encoder_is_none() -> None:
    features = torch.linspace(-3, 3, 15).reshape(5, 3)
    config = EncoderConfig(width=8, depth=2, feature_encoder="none")
    encoder = observation_encoder(config, 3, {})
    assert encoder.outputs == 3
    torch.testing.assert_close(encoder({"features": features}), features)
