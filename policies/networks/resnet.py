"""A dense residual network, activated before each layer."""

from __future__ import annotations

from typing import cast

import torch.nn.functional as F
from torch import Tensor

from .residual import ResidualNetwork, TwoLayerBlock


class ResidualBlock(TwoLayerBlock):
    """The branch beside the skip: activation → dropout → dense → activation → dropout → dense."""

    def forward(self, x: Tensor) -> Tensor:
        """From (..., width) to (..., width)."""
        branch: Tensor = self.second(self.hidden(x))
        return x + branch

    def hidden(self, x: Tensor) -> Tensor:
        """What enters the second dense layer."""
        inner = self.first(self.dropout(self._activate(x)))
        hidden: Tensor = self.dropout(self._activate(inner))
        return hidden


class DenseResNet(ResidualNetwork):
    """Projection, depth / 2 pre-activated residual blocks, linear head (Florence et al. 2021, released code).

    `depth` counts the dense layers inside the blocks: "128x8" is a projection, 4 blocks and a head.
    """

    block = ResidualBlock

    def after_projection(self, x: Tensor) -> Tensor:
        """What follows the projection, whose output is `x`.

        The last dense layer of the last block is folded into the head, which is exact and saves a product of
        width × width for every row.
        """
        *blocks, final = self._blocks()
        for block in blocks:
            x = block(x)
        last = cast("ResidualBlock", final)
        head, second = self.head, last.second
        folded = head.weight @ second.weight  # (outputs, width)
        bias = head.bias + head.weight @ second.bias
        return F.linear(x, head.weight, bias) + F.linear(last.hidden(x), folded)

    def gradient_after_projection(self, x: Tensor) -> Tensor:
        """As the base has it; the last layer's output is not needed, and not computed."""
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
