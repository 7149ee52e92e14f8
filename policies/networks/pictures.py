"""Which network sees the pictures, made from its config."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ibc_gym.checks import owner, require_at_least
from ibc_gym.errors import ConfigError

from .conv_maxpool import ConvMaxPool
from .conv_resnet import ConvResNet, Pooling

PictureNetwork = ConvMaxPool | ConvResNet


@dataclass(frozen=True, kw_only=True)
class ConvResNetConfig:
    """Sizes of the convolutional residual network; as they are it has the published 26 layers."""

    filters: int = 64
    """Channels between the blocks."""
    blocks: int = 8
    """Blocks of three convolutions."""
    heads: int = 64
    """Maps at the end."""
    pooling: Pooling = "spatial_softmax"
    """Where each map is strongest, or the mean of each."""

    def __post_init__(self) -> None:
        for name, good in (
            ("filters", self.filters >= 1 and self.filters % 4 == 0),
            ("blocks", self.blocks >= 1),
            ("heads", self.heads >= 1),
        ):
            if not good:
                raise ConfigError(
                    f"{owner(self)}.{name} is {getattr(self, name)}, but the filters must be divisible by 4, and there "
                    "must be a block and a head."
                )


@dataclass(frozen=True, kw_only=True)
class PictureConfig:
    """How pictures become a vector; part of the configs of networks that take pictures."""

    picture_encoder: Literal["conv_maxpool", "conv_resnet"] = "conv_maxpool"
    """The small encoder that halves the picture layer by layer, or the 26-layer one that keeps its resolution."""
    channels: tuple[int, ...] = (32, 64, 128, 256)
    """Channels of the small encoder's convolutions; each layer halves the picture."""
    keypoints: bool = False
    """Whether the small encoder tells where each of its last maps is strongest (spatial softmax) in place of the mean of each;
    the last layer does not halve the picture, then."""
    flatten: bool = False
    """Whether the small encoder hands on every cell of its last maps in place of the mean of each: it says where things are, for
    as many weights more in the layer after it."""
    coordinates: bool = False
    """Whether the small encoder's pictures get two channels with row and column (CoordConv); the other's always do."""
    conv_resnet: ConvResNetConfig = field(default_factory=ConvResNetConfig)
    """Sizes of the 26-layer encoder."""

    def __post_init__(self) -> None:
        if not self.channels:
            raise ConfigError(
                f"{owner(self)}.channels is empty, but an encoder of pictures has at least one layer."
            )
        require_at_least(self, 1, "channels")
        if self.flatten and self.keypoints:
            raise ConfigError(
                f"{owner(self)}.flatten and {owner(self)}.keypoints are both set, but the last maps are handed on as they are or as places."
            )


def picture_network(config: PictureConfig, shape: tuple[int, int, int]) -> PictureNetwork:
    """An encoder of pictures (C, H, W).

    Raises:
        ConfigError: They are too small for it.
    """
    if config.picture_encoder == "conv_maxpool":
        return ConvMaxPool(
            shape,
            config.channels,
            coordinates=config.coordinates,
            keypoints=config.keypoints,
            flatten=config.flatten,
        )
    sizes = config.conv_resnet
    return ConvResNet(
        shape,
        filters=sizes.filters,
        blocks=sizes.blocks,
        heads=sizes.heads,
        pooling=sizes.pooling,
    )
