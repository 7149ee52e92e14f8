"""From feature maps to where in the picture each of them is strongest."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .coordinates import pixel_grid


class SpatialSoftmax(nn.Module):
    """The expected row and column in [-1, 1] of every map, under a softmax over its pixels.

    One temperature for all maps is learned, and begins at 1 (Florence et al. 2021, released code).
    """

    def __init__(self) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(()))

    def forward(self, maps: Tensor) -> Tensor:
        """From (B, K, H, W) to (B, 2 K), row and column of the first map first."""
        height, width = maps.shape[-2:]
        grid = pixel_grid(height, width, maps).flatten(1)  # (2, H W)
        weights = torch.softmax(maps.flatten(2) / self.temperature, dim=-1)  # (B, K, H W)
        return (weights @ grid.T.to(weights.dtype)).flatten(1)
