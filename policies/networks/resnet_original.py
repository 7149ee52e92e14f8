"""A dense residual network, activated after each layer."""

from __future__ import annotations

from torch import Tensor

from .activation import before_relu
from .residual import ResidualNetwork, TwoLayerBlock


class OriginalBlock(TwoLayerBlock):
    """x + dense → activation → dropout → dense, and activation and dropout over the sum."""

    def forward(self, x: Tensor) -> Tensor:
        """From (..., width) to (..., width)."""
        branch = self.second(self.dropout(self._activate(self.first(x))))
        activated: Tensor = self.dropout(self._activate(branch.add_(x)))
        return activated


class DenseResNetOriginal(ResidualNetwork):
    """Projection, depth / 2 post-activated residual blocks, linear head: He et al. 2015, in dense layers.

    The released code of Florence et al. 2021 has it beside the pre-activated one and uses it nowhere; `depth` counts
    the dense layers inside the blocks, as there.
    """

    block = OriginalBlock

    def gradient_after_projection(self, x: Tensor) -> Tensor:
        """As the base has it."""
        entered = []
        for block in self._blocks():
            inner = block.first(x)
            total = block.second(inner.relu()).add_(x)
            entered.append((inner, total))
            x = total.relu()
        gradient: Tensor = self.head.weight[0]
        for block, (inner, total) in zip(reversed(self._blocks()), reversed(entered), strict=True):
            gradient = before_relu(gradient, total)
            branch = before_relu(gradient @ block.second.weight, inner)
            gradient = (branch @ block.first.weight).add_(gradient)
        return gradient
