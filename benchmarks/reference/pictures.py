"""An implicit policy that sees pictures, as one writes it down: rectify, then pool; all windows of a batch at once.

Nothing here is clever: it is what `benchmarks/same_work.py` measures the library against, and what
`tests/policies/networks/test_pictures.py` holds the library's encoder to.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PictureEnergy(nn.Module):
    """Four convolutions, each rectified and max-pooled; their mean and the action go through two dense layers."""

    def __init__(self, inputs: int, channels: Sequence[int], actions: int, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1)
            for before, after in pairwise((inputs, *channels))
        )
        self.projection = nn.Linear(channels[-1] + actions, width)
        self.hidden = nn.Linear(width, width)
        self.head = nn.Linear(width, 1)

    def encode(self, pictures: Tensor) -> Tensor:
        """From (B, C, H, W) to (B, channels[-1])."""
        x = pictures
        for layer in self.layers:
            x = F.max_pool2d(F.relu(layer(x)), 2)
        return x.mean(dim=(2, 3))

    def forward(self, pictures: Tensor, actions: Tensor) -> Tensor:
        """Energies (B, N) of actions (B, N, A) under pictures (B, C, H, W)."""
        repeated = self.encode(pictures)[:, None].expand(-1, actions.shape[1], -1)
        x = F.relu(self.projection(torch.cat([repeated, actions], dim=-1)))
        energies: Tensor = self.head(F.relu(self.hidden(x)))
        return energies[..., 0]


def channels_of(frames: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Standardised pictures (B, T C, H, W) of frames (B, T, H, W, C) in bytes."""
    pictures = frames.movedim(-1, 2).float() / 255
    return ((pictures - mean[:, None, None]) / std[:, None, None]).flatten(1, 2)
