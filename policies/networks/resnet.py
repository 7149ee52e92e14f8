"""A dense residual network, activated before each layer."""

from __future__ import annotations

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from ibc_gym.errors import ConfigError

from .activation import ACTIVATIONS, Activation
from .initialise import Initialisation, initialise


class ResidualBlock(nn.Module):
    """The branch beside the skip: activation → dropout → dense → activation → dropout → dense."""

    def __init__(self, width: int, dropout: float, activation: Activation = "relu") -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self._activate = ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        """From (..., width) to (..., width)."""
        branch: Tensor = self.second(self.hidden(x))
        return x + branch

    def hidden(self, x: Tensor) -> Tensor:
        """What enters the second dense layer."""
        inner = self.first(self.dropout(self._activate(x)))
        hidden: Tensor = self.dropout(self._activate(inner))
        return hidden


class DenseResNet(nn.Module):
    """Projection, depth / 2 pre-activated residual blocks, linear head (Florence et al. 2021, released code).

    `depth` counts the dense layers inside the blocks: "128x8" is a projection, 4 blocks and a head.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        width: int,
        depth: int,
        dropout: float = 0.0,
        activation: Activation = "relu",
        initialisation: Initialisation = "normal",
    ) -> None:
        """Make the layers.

        Raises:
            ConfigError: The depth is odd or not positive.
        """
        super().__init__()
        if depth < 2 or depth % 2:
            raise ConfigError(
                f"depth is {depth}, but a dense ResNet has 2 layers per block: choose an even number."
            )
        self.closed_form = activation == "relu"
        """Whether `gradient_after_projection` holds."""
        self.projection = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(
            ResidualBlock(width, dropout, activation) for _ in range(depth // 2)
        )
        self.head = nn.Linear(width, outputs)
        initialise(self, initialisation)

    def forward(self, x: Tensor) -> Tensor:
        """From (..., inputs) to (..., outputs)."""
        return self.after_projection(self.projection(x))

    def after_projection(self, x: Tensor) -> Tensor:
        """What follows the projection, whose output is `x`.

        The last dense layer of the last block is folded into the head, which is exact and saves a product of
        width × width for every row.
        """
        *blocks, last = self._blocks()
        for block in blocks:
            x = block(x)
        head, second = self.head, last.second
        folded = head.weight @ second.weight  # (outputs, width)
        bias = head.bias + head.weight @ second.bias
        return F.linear(x, head.weight, bias) + F.linear(last.hidden(x), folded)

    def gradient_after_projection(self, x: Tensor) -> Tensor:
        """Gradient of the only output with respect to the projection's output `x` (..., width).

        In closed form, by the ReLUs' masks; without dropout it equals autograd's, and it can itself be
        differentiated with respect to the weights.
        """
        masks = []
        for block in self._blocks():
            inner = block.first(F.relu(x))
            masks.append((x > 0, inner > 0))
            if len(masks) < len(self.blocks):
                x = x + block.second(F.relu(inner))
        gradient: Tensor = self.head.weight[0]  # (width,), then (..., width)
        for block, (outer, inner) in zip(reversed(self._blocks()), reversed(masks), strict=True):
            branch = (gradient @ block.second.weight) * inner
            gradient = gradient + (branch @ block.first.weight) * outer
        return gradient

    def _blocks(self) -> list[ResidualBlock]:
        return cast("list[ResidualBlock]", list(self.blocks))
