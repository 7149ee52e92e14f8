"""A small convolutional encoder of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from ibc_gym.errors import ConfigError

from .coordinates import with_coordinates
from .initialise import initialise_convolution
from .spatial_softmax import SpatialSoftmax


class ConvMaxPool(nn.Module):
    """Convolution 3×3 → ReLU → max-pool 2×2, once per entry of `channels`, then the mean of every map.

    The "4-layer ConvMaxPool" of Florence et al. 2021; kernels begin Glorot-uniform, biases at zero. The greatest of four
    rectified numbers is the greatest of the four, rectified, which is what is computed. With `keypoints` the last
    convolution's maps are neither rectified nor halved, and one gets where each is strongest (Levine et al. 2016). With
    `flatten` one gets every cell of the last maps, as Mnih et al. 2015 have it.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        channels: Sequence[int] = (32, 64, 128, 256),
        *,
        coordinates: bool = False,
        keypoints: bool = False,
        flatten: bool = False,
    ) -> None:
        """Make the layers.

        Args:
            shape: (C, H, W) of a picture.
            channels: Of every layer.
            coordinates: Whether two channels with row and column in [-1, 1] are added to the picture.
            keypoints: Whether the last maps become places in place of means.
            flatten: Whether the last maps are handed on as they are; not with `keypoints`.

        Raises:
            ConfigError: The picture is too small to be halved so often.
        """
        super().__init__()
        halvings = len(channels) - keypoints
        if min(shape[1:]) < 2**halvings:
            raise ConfigError(
                f"Networks see pictures of {shape[1]} x {shape[2]}, which cannot be halved {halvings} times: leave at least "
                f"{2**halvings} pixels a side by InputConfig.image_size and InputConfig.image_crop, or use fewer channels."
            )
        self.where = SpatialSoftmax() if keypoints else None
        cells = (shape[1] >> halvings) * (shape[2] >> halvings) if flatten else 1
        self.outputs = channels[-1] * (cells if self.where is None else 2)
        self.flatten = flatten
        self.coordinates = coordinates
        widths = (shape[0] + 2 * coordinates, *channels)
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1) for before, after in pairwise(widths)
        )
        initialise_convolution(self)

    def forward(self, picture: Tensor) -> Tensor:
        """From pictures (B, *shape) to (B, outputs)."""
        x = with_coordinates(picture) if self.coordinates else picture
        *layers, last = self.layers
        for layer in layers:
            x = _halved(layer(x))
        maps = last(x)
        if self.where is not None:
            places: Tensor = self.where(maps)
            return places
        maps = _halved(maps)
        return maps.flatten(1) if self.flatten else maps.mean(dim=(2, 3))


def _halved(maps: Tensor) -> Tensor:
    return F.relu(F.max_pool2d(maps, 2))
