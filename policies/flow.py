"""A normalising flow as a density of actions: what a mixture of normal densities cannot bend to.

One dimension after the other is drawn, each by a monotone spline of the unit interval that depends on the observation
and on the dimensions before it (an autoregressive flow: Papamakarios et al. 2017; rational quadratic splines: Durkan et
al. 2019). What the splines bend is a uniform density in the sampling box, so that the density is one in the box and
needs no map from the whole line; a single dimension is a flow, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .noise import Noise
from .optimisers.box import Box
from .splines import Spline

LEAST_SHARE = 0.01
"""Least part of a box's side that a piece of a spline takes: a spike would draw the demonstrations themselves."""
_LEAST_WIDTH = 1e-12
"""Least width of the box that is divided by."""


class AutoregressiveSplines(nn.Module):
    """Where the knots of every dimension's spline lie, by the observation and the dimensions before it."""

    def __init__(self, inputs: int, actions: int, *, width: int, pieces: int) -> None:
        """Make the layers, for encoded observations (B, inputs); at first every spline is the identity.

        Args:
            inputs: Numbers of an encoded observation.
            actions: A.
            width: Units of the hidden layer of each dimension.
            pieces: K of each spline.
        """
        super().__init__()
        self.context = nn.Linear(inputs, actions * width)
        self.before = nn.Parameter(torch.randn(actions, actions, width) / max(actions, 1) ** 0.5)
        self.head = nn.Parameter(torch.zeros(actions, width, Spline.numbers(pieces)))
        self.shift = nn.Parameter(torch.zeros(actions, Spline.numbers(pieces)))
        self.register_buffer("earlier", torch.ones(actions, actions).tril(-1), persistent=False)

    def hidden(self, encoded: Tensor) -> Tensor:
        """What all actions of an observation share, (B, A, W)."""
        actions, width = self.before.shape[1:]
        shared: Tensor = self.context(encoded).unflatten(1, (actions, width))
        return shared

    def all(self, hidden: Tensor, unit: Tensor) -> Spline:
        """The splines of all dimensions of actions (B, N, A) in the unit cube."""
        before = self.before * self.get_buffer("earlier")[..., None]
        layer = torch.relu(hidden[:, None] + torch.einsum("bni,jiw->bnjw", 2 * unit - 1, before))
        return self._spline(torch.einsum("bnjw,jwp->bnjp", layer, self.head) + self.shift)

    def one(self, hidden: Tensor, unit: Tensor, dimension: int) -> Spline:
        """The spline of one dimension, of actions whose dimensions before it are (B, N, dimension)."""
        before = (2 * unit - 1) @ self.before[dimension, :dimension]
        layer = torch.relu(hidden[:, None, dimension] + before)
        return self._spline(layer @ self.head[dimension] + self.shift[dimension])

    @staticmethod
    def _spline(outputs: Tensor) -> Spline:
        return Spline.of(outputs, least=LEAST_SHARE)


@dataclass(frozen=True, eq=False)
class Flow:
    """B densities of actions in a box."""

    splines: AutoregressiveSplines
    hidden: Tensor
    """Of the observations, (B, A, W)."""
    box: Box
    """Outside of it there is nothing."""

    def log_density(self, actions: Tensor) -> Tensor:
        """Logarithm of the density of actions (B, N, A), (B, N).

        Of an action outside of the box it is that of the nearest one inside, so that the likelihood of a demonstration
        that was held out, or mirrored, is finite.
        """
        low, side = self.box.low, self._side
        unit = ((self.box.clip(actions.float()) - low) / side).clamp(0, 1)
        _, slopes = self.splines.all(self.hidden, unit).forward(unit)
        return (slopes - side.log()).sum(dim=-1)

    def sample(self, noise: Noise, samples: int) -> Tensor:
        """Draws (B, samples, A) in the box."""
        rows, size, _ = self.hidden.shape
        even = noise.uniform(rows, samples, size)
        unit = even[..., :0]
        for dimension in range(size):
            spline = self.splines.one(self.hidden, unit, dimension)
            drawn = spline.inverse(even[..., dimension])
            unit = torch.cat([unit, drawn[..., None]], dim=-1)
        return self.box.low + unit * (self.box.high - self.box.low)

    @property
    def _side(self) -> Tensor:
        return (self.box.high - self.box.low).clamp_min(_LEAST_WIDTH)
