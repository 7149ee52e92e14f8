"""A field over actions under an observation and a time: what diffusion and flow matching learn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .observation import ObservationEncoder

_FREQUENCIES = 32
_FASTEST = 100.0
"""Radians that the fastest of the waves turns while time goes from 0 to 1; the slowest turns a ten-thousandth of it."""


class ConditionalBlock(nn.Module):
    """A pre-activated residual block, between whose layers the condition scales and shifts (Perez et al. 2018, FiLM)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        self.film = nn.Linear(width, 2 * width)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """From (..., width) to (..., width), under a condition (..., width)."""
        scale, shift = self.film(condition).chunk(2, dim=-1)
        inner = self.first(F.silu(x)) * (1 + scale) + shift
        branch: Tensor = self.second(F.silu(inner))
        return x + branch


class ConditionalResNet(nn.Module):
    """f(o, a, t), a vector of the shape of the action; a dense form of the networks of Chi et al. 2023.

    The observation is encoded once (late fusion); actions at several times, or the same one from step to step, share
    what was made of it. The last layer begins at zero, so that the field does, too.
    """

    def __init__(
        self, encoder: ObservationEncoder, *, actions: int, width: int, blocks: int
    ) -> None:
        """Make the layers.

        Args:
            encoder: Gives (B, H).
            actions: Length of an action or chunk, D.
            width: Units per layer, W.
            blocks: Residual blocks of two layers.
        """
        super().__init__()
        self.encoder = encoder
        self.context = nn.Linear(encoder.outputs, width)
        self.time = nn.Sequential(
            nn.Linear(2 * _FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width)
        )
        self.projection = nn.Linear(actions, width)
        self.blocks = nn.ModuleList(ConditionalBlock(width) for _ in range(blocks))
        self.head = nn.Linear(width, actions)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def encode(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """What all actions under an observation share, (B, W)."""
        context: Tensor = self.context(self.encoder(inputs))
        return context

    def forward(self, context: Tensor, actions: Tensor, time: Tensor) -> Tensor:
        """The field (B, N, D) at actions (B, N, D) under contexts (B, W), at times (B, N) or (1, 1) in [0, 1]."""
        condition = F.silu(context[:, None] + self.time(waves(time)))  # (B, N, W)
        x = self.projection(actions)
        for block in cast("list[ConditionalBlock]", list(self.blocks)):
            x = block(x, condition)
        field: Tensor = self.head(F.silu(x))
        return field


def waves(time: Tensor) -> Tensor:
    """Sines and cosines of times (...) in [0, 1], (..., 64), as Vaswani et al. 2017 encode positions."""
    steps = torch.arange(_FREQUENCIES, device=time.device) / (_FREQUENCIES - 1)
    angles = time[..., None] * (_FASTEST * 10_000.0**-steps)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)
