"""Dense layers whose largest singular value is held at 1, by one power iteration per pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

_SMALLEST = 1e-12
"""Least singular value that is divided by: a layer of zeros stays one."""


class OneIteration(nn.Module):
    """W / σ, where σ is what one power iteration from a kept vector says of W's largest singular value.

    As the released code of Florence et al. 2021 does (after Miyato et al. 2018): the gradient also goes through the
    estimate. The vector is part of the state and so of checkpoints. It moves only when `keep` is called, once per
    pass in training; whatever looks at the weight in between sees the same.
    """

    u: Tensor
    """What approaches the first left singular vector, (outputs,), of length 1."""

    def __init__(self, weight: Tensor) -> None:
        """Begin with a random vector for a weight (outputs, inputs)."""
        super().__init__()
        drawn = torch.randn(weight.shape[0], dtype=weight.dtype, device=weight.device)
        self.register_buffer("u", F.normalize(drawn, dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        """The normalised weight, of the same shape."""
        with torch.autocast(weight.device.type, enabled=False):
            left, right = self._iterate(weight)
            sigma = left @ (weight @ right)
            return weight / sigma.clamp_min(_SMALLEST)

    @torch.no_grad()
    def keep(self, weight: Tensor) -> None:
        """Let the next pass begin where this one's iteration ended."""
        with torch.autocast(weight.device.type, enabled=False):
            self.u = self._iterate(weight)[0]  # a new one: the backward pass needs the old one

    def _iterate(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        right = F.normalize(self.u @ weight, dim=0)
        return F.normalize(weight @ right, dim=0), right


def spectral_norm(module: nn.Module) -> None:
    """Normalise every dense layer within `module` from now on; call it once, after the weights were drawn.

    A layer's `weight` is then the normalised one, everywhere it is used.
    """
    for layer in [part for part in module.modules() if isinstance(part, nn.Linear)]:
        parametrize.register_parametrization(layer, "weight", OneIteration(layer.weight))


def keep_iterations(module: nn.Module) -> None:
    """Keep the power iterations of a pass in training, in all layers within `module` that are normalised."""
    for iteration, weight in _iterations(module):
        iteration.keep(weight)


def _iterations(module: nn.Module) -> Iterator[tuple[OneIteration, Tensor]]:
    for layer in module.modules():
        if isinstance(layer, nn.Linear) and parametrize.is_parametrized(layer, "weight"):
            found = cast("Any", layer.parametrizations)["weight"]
            yield found[0], found.original
