"""The two forms of energy network, made from their configs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ibc_gym.errors import ConfigError

from .dense_resnet_value import DenseResnetValue
from .energy import EnergyNetwork
from .initialise import Initialisation
from .mlp import MLPDropout
from .observation import AsIs, DenseTrunk, ObservationEncoder, PictureShapes
from .resnet import DenseResNet
from .value_mlp import ValueMLP


@dataclass(frozen=True, kw_only=True)
class JointConfig:
    """The published network for low-dimensional inputs: observation and action through one trunk."""

    trunk: Literal["resnet", "mlp"] = "resnet"
    """Dense pre-activation ResNet, or MLP."""
    width: int = 128
    """Units per layer."""
    depth: int = 8
    """Dense layers: inside the residual blocks, or hidden ones of the MLP."""
    dropout: float = 0.0
    """Share of units dropped in training; it hurts energies, and does not go with a gradient penalty."""
    initialisation: Initialisation = "normal"
    """"normal" is the published N(0, 0.05²), "default" PyTorch's own."""

    def __post_init__(self) -> None:
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout is {self.dropout}, but must be in [0, 1).")


@dataclass(frozen=True, kw_only=True)
class LateFusionConfig:
    """An encoder that sees the observation once, and a value network that judges each action."""

    width: int = 256
    """Units per layer of the encoder of features."""
    depth: int = 4
    """Dense layers inside its residual blocks."""
    skip: bool = False
    """Whether the value network sees the features themselves, too, beside what was made of them."""
    channels: tuple[int, ...] = (32, 64, 128, 256)
    """Channels of the convolutions; each layer halves the picture."""
    value: Literal["mlp", "dense_resnet"] = "mlp"
    """Two small layers, or the published DenseResnetValue."""
    value_width: int = 64
    """Units per layer of the value network."""
    value_blocks: int = 1
    """Blocks of the DenseResnetValue."""
    initialisation: Initialisation = "default"
    """"normal" is the published N(0, 0.05²), "default" PyTorch's own."""

    def __post_init__(self) -> None:
        if self.depth < 0 or self.depth % 2:
            raise ConfigError(f"depth is {self.depth}, but residual blocks have 2 layers each.")
        if not self.channels:
            raise ConfigError(
                "channels is empty, but an encoder of pictures has at least one layer."
            )


def joint_network(config: JointConfig, features: int, actions: int) -> EnergyNetwork:
    """The published MLPEBM over [features, action]."""
    trunk = DenseResNet if config.trunk == "resnet" else MLPDropout
    value = trunk(
        features + actions,
        1,
        width=config.width,
        depth=config.depth,
        dropout=config.dropout,
        initialisation=config.initialisation,
    )
    encoder = ObservationEncoder(AsIs(features), {})
    return EnergyNetwork(encoder, value, actions=actions, initialisation=config.initialisation)


def late_fusion_network(
    config: LateFusionConfig, features: int, pictures: PictureShapes, actions: int
) -> EnergyNetwork:
    """Encoders of pictures and features, and a value network over [encoded, action]."""
    how = config.initialisation
    trunk = (
        DenseTrunk(
            features, width=config.width, depth=config.depth, skip=config.skip, initialisation=how
        )
        if features
        else None
    )
    encoder = ObservationEncoder(trunk, pictures, channels=config.channels)
    inputs = encoder.outputs + actions
    value = (
        ValueMLP(inputs, width=config.value_width, initialisation=how)
        if config.value == "mlp"
        else DenseResnetValue(
            inputs, width=config.value_width, blocks=config.value_blocks, initialisation=how
        )
    )
    return EnergyNetwork(encoder, value, actions=actions, initialisation=how)
