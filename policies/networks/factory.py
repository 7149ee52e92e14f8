"""The networks of implicit and explicit policies, made from their configs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ibc_gym.checks import owner, require_at_least, require_share
from ibc_gym.errors import ConfigError

from .dense_resnet_value import DenseResnetValue
from .energy import EnergyNetwork
from .initialise import Initialisation
from .observation import AsIs, DenseTrunk, ObservationEncoder, PictureShapes
from .pictures import PictureConfig, picture_network
from .spectral_norm import spectral_norm
from .trunks import Dense, TrunkConfig, TrunkNetwork, trunk_network
from .value_mlp import ValueMLP


@dataclass(frozen=True, kw_only=True)
class JointConfig(TrunkConfig):
    """The published network for low-dimensional inputs: observation and action through one trunk."""

    width: int = 128
    """Units per layer."""
    depth: int = 8
    """Dense layers: inside the blocks (two each, three in a bottleneck), or hidden ones of the MLP."""
    dropout: float = 0.0
    """Share of units dropped in training; it hurts energies, and does not go with a gradient penalty."""
    initialisation: Initialisation = "normal"
    """"normal" is the published N(0, 0.05²), "default" PyTorch's own."""


@dataclass(frozen=True, kw_only=True)
class EncoderConfig(PictureConfig):
    """What sees the observation once, however many actions meet it afterwards."""

    feature_encoder: Literal["resnet", "none"] = "resnet"
    """What features go through before they meet pictures and actions; "none" hands them on, as published with pictures."""
    width: int = 256
    """Units per layer of the encoder of features."""
    depth: int = 4
    """Dense layers inside its residual blocks."""
    trunk_depth: int = 0
    """Dense layers inside the residual blocks, of `width` units, that pictures and features go through together before
    actions meet them; 0 for none."""
    skip: bool = False
    """Whether the actions meet the features themselves, too, beside what was made of them."""
    squares: float = 0.0
    """Share of the units of the first dense layer that are squared, so that distances and products are at hand, in the encoder of
    features and in what follows it; 0 for none."""
    initialisation: Initialisation = "default"
    """"normal" is the published N(0, 0.05²), "default" PyTorch's own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 1, "width")
        require_share(self, "squares")
        if self.squares and self.feature_encoder == "none" and not self.trunk_depth:
            raise ConfigError(
                f"{owner(self)}.squares is {self.squares}, but without an encoder of features and a trunk there is no layer to "
                "square: choose feature_encoder 'resnet', or a trunk_depth."
            )
        for name in ("depth", "trunk_depth"):
            depth = getattr(self, name)
            if depth < 0 or depth % 2:
                raise ConfigError(
                    f"{owner(self)}.{name} is {depth}, but an encoder's residual blocks have 2 layers each: choose an "
                    "even number, or 0 for none."
                )


@dataclass(frozen=True, kw_only=True)
class LateFusionConfig(EncoderConfig):
    """An encoder that sees the observation once, and a value network that judges each action."""

    value: Literal["mlp", "dense_resnet"] = "mlp"
    """Two small layers, or the published DenseResnetValue."""
    value_width: int = 64
    """Units per layer of the value network."""
    value_blocks: int = 1
    """Blocks of the DenseResnetValue; the paper's 8, 14 and 20 layers are 2, 4 and 6 blocks."""
    dense: Dense = "regular"
    """"spectral_norm" holds the largest singular value of every dense layer at 1; convolutions are left alone."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 1, "value_width", "value_blocks")
        if self.value == "dense_resnet" and self.value_width % 4:
            raise ConfigError(
                f"{owner(self)}.value_width is {self.value_width}, but a bottleneck has a quarter of it: choose a "
                "multiple of 4."
            )


def joint_network(config: JointConfig, features: int, actions: int) -> EnergyNetwork:
    """The published MLPEBM over [features, action]."""
    value = trunk_network(config, features + actions, 1)
    encoder = ObservationEncoder(AsIs(features), {})
    network = EnergyNetwork(encoder, value, actions=actions, initialisation=config.initialisation)
    if config.dense == "spectral_norm":
        spectral_norm(network)
    return network


def late_fusion_network(
    config: LateFusionConfig, features: int, pictures: PictureShapes, actions: int
) -> EnergyNetwork:
    """Encoders of pictures and features, and a value network over [encoded, action]."""
    how = config.initialisation
    encoder = observation_encoder(config, features, pictures)
    inputs = encoder.outputs + actions
    value = (
        ValueMLP(inputs, width=config.value_width, initialisation=how)
        if config.value == "mlp"
        else DenseResnetValue(
            inputs, width=config.value_width, blocks=config.value_blocks, initialisation=how
        )
    )
    network = EnergyNetwork(encoder, value, actions=actions, initialisation=how)
    if config.dense == "spectral_norm":
        spectral_norm(network)
    return network


def observation_encoder(
    config: EncoderConfig, features: int, pictures: PictureShapes
) -> ObservationEncoder:
    """Encoders of pictures and features, side by side."""
    return ObservationEncoder(
        _feature_encoder(config, features),
        {name: picture_network(config, shape) for name, shape in pictures.items()},
        (lambda encoded: _dense_trunk(config, encoded, config.trunk_depth))
        if config.trunk_depth
        else None,
    )


def explicit_network(
    trunk: TrunkConfig, look: PictureConfig, features: int, pictures: PictureShapes, outputs: int
) -> tuple[ObservationEncoder, TrunkNetwork]:
    """The published ConvMLP: an encoder of pictures, and a trunk over [encoded, features] that says `outputs` numbers."""
    encoder = ObservationEncoder(
        AsIs(features) if features else None,
        {name: picture_network(look, shape) for name, shape in pictures.items()},
    )
    network = trunk_network(trunk, encoder.outputs, outputs)
    if trunk.dense == "spectral_norm":
        spectral_norm(network)
    return encoder, network


def _feature_encoder(config: EncoderConfig, features: int) -> DenseTrunk | AsIs | None:
    if not features:
        return None
    if config.feature_encoder == "none":
        return AsIs(features)
    return _dense_trunk(config, features, config.depth)


def _dense_trunk(config: EncoderConfig, inputs: int, depth: int) -> DenseTrunk:
    return DenseTrunk(
        inputs,
        width=config.width,
        depth=depth,
        skip=config.skip,
        squares=config.squares,
        initialisation=config.initialisation,
    )
