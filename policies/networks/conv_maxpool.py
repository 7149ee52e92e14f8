"""A small convolutional encoder of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from ibc_gym.errors import ConfigError

from .coordinates import with_coordinates
from .initialise import initialise_convolution


class ConvMaxPool(nn.Module):
    """Convolution 3×3 → ReLU → max-pool 2×2, once per entry of `channels`, then global average pooling.

    The "4-layer ConvMaxPool" of Florence et al. 2021; kernels begin Glorot-uniform, biases at zero. The greatest of four
    rectified numbers is the greatest of the four, rectified, which is what is computed.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        channels: Sequence[int] = (32, 64, 128, 256),
        *,
        coordinates: bool = False,
    ) -> None:
        """Make the layers.

        Args:
            shape: (C, H, W) of a picture.
            channels: Of every layer.
            coordinates: Whether two channels with row and column in [-1, 1] are added to the picture.

        Raises:
            ConfigError: The picture is too small to be halved so often.
        """
        super().__init__()
        if min(shape[1:]) < 2 ** len(channels):
            raise ConfigError(
                f"A picture of {shape[1]} x {shape[2]} cannot be halved {len(channels)} times; "
                f"use at least {2 ** len(channels)} pixels a side."
            )
        self.outputs = channels[-1]
        self.coordinates = coordinates
        widths = (shape[0] + 2 * coordinates, *channels)
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1) for before, after in pairwise(widths)
        )
        initialise_convolution(self)

    def forward(self, picture: Tensor) -> Tensor:
        """From pictures (B, *shape) to (B, channels[-1])."""
        x = with_coordinates(picture) if self.coordinates else picture
        for layer in self.layers:
            x = F.relu(F.max_pool2d(layer(x), 2))
        return x.mean(dim=(2, 3))
