"""The 26-layer convolutional residual network, which keeps the picture's full resolution."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from ibc_gym.errors import ConfigError

from .coordinates import with_coordinates
from .initialise import initialise_convolution
from .spatial_softmax import SpatialSoftmax

Pooling = Literal["spatial_softmax", "average"]


class ConvBottleneck(nn.Module):
    """x + convolutions 1×1, 3×3, 1×1, each after a ReLU, with a quarter of the channels inside."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(filters, filters // 4, 1)
        self.middle = nn.Conv2d(filters // 4, filters // 4, 3, padding=1)
        self.up = nn.Conv2d(filters // 4, filters, 1)

    def forward(self, x: Tensor) -> Tensor:
        """From (B, filters, H, W) to the same."""
        branch: Tensor = self.up(F.relu(self.middle(F.relu(self.down(F.relu(x))))))
        return x + branch


class ConvResNet(nn.Module):
    """CoordConv 3×3, bottleneck blocks, convolution 1×1 to `heads` maps, then one vector of all of them.

    With 8 blocks these are the 26 layers of Florence et al. 2021, §E.2. Nothing is strided or pooled before the end,
    so it costs by the pixel. "spatial_softmax" gives the place of every map, (2 heads,); "average" their means,
    (heads,), as the paper's variant for sweeping.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        *,
        filters: int = 64,
        blocks: int = 8,
        heads: int = 64,
        pooling: Pooling = "spatial_softmax",
    ) -> None:
        """Make the layers.

        Args:
            shape: (C, H, W) of a picture, without coordinates: those are added here.
            filters: Channels between the blocks.
            blocks: Of three convolutions each.
            heads: Maps at the end.
            pooling: How a map becomes numbers.

        Raises:
            ConfigError: The number of filters is not divisible by 4, or there is no block or head.
        """
        super().__init__()
        if filters % 4 or min(filters, blocks, heads) < 1:
            raise ConfigError(
                f"A ConvResNet with {filters} filters, {blocks} blocks and {heads} heads: the filters must be "
                "divisible by 4, and there must be a block and a head."
            )
        self.first = nn.Conv2d(shape[0] + 2, filters, 3, padding=1)
        self.blocks = nn.Sequential(*(ConvBottleneck(filters) for _ in range(blocks)))
        self.last = nn.Conv2d(filters, heads, 1)
        self.pool = SpatialSoftmax() if pooling == "spatial_softmax" else _Mean()
        self.outputs = 2 * heads if pooling == "spatial_softmax" else heads
        initialise_convolution(self)

    def forward(self, picture: Tensor) -> Tensor:
        """From pictures (B, *shape) to (B, outputs)."""
        maps = self.last(self.blocks(self.first(with_coordinates(picture))))
        pooled: Tensor = self.pool(maps)
        return pooled


class _Mean(nn.Module):
    """The mean of every map."""

    def forward(self, maps: Tensor) -> Tensor:
        """From (B, K, H, W) to (B, K)."""
        return maps.mean(dim=(2, 3))
