"""A dense residual network, activated before each layer."""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .activation import before_relu
from .initialise import Initialisation, initialise
from .residual import ResidualNetwork, TwoLayerBlock
from .squares import gradient_before_squares, how_many, squared


class ResidualBlock(TwoLayerBlock):
    """The branch beside the skip: activation → dropout → dense → activation → dropout → dense."""

    def forward(self, x: Tensor) -> Tensor:
        """From (..., width) to (..., width)."""
        branch: Tensor = self.second(self.hidden(x))
        return branch.add_(x)

    def hidden(self, x: Tensor) -> Tensor:
        """What enters the second dense layer."""
        inner = self.first(self.dropout(self._activate(x)))
        hidden: Tensor = self.dropout(self._activate_in_place(inner))
        return hidden


class DenseResNet(ResidualNetwork):
    """Projection, depth / 2 pre-activated residual blocks, linear head (Florence et al. 2021, released code).

    `depth` counts the dense layers inside the blocks: "128x8" is a projection, 4 blocks and a head.
    """

    block = ResidualBlock

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        squares: float = 0.0,
        skip: bool = False,
        initialisation: Initialisation = "normal",
        **shared: Any,
    ) -> None:
        """Make the layers, as `ResidualNetwork` says.

        Args:
            inputs: Numbers that come in.
            outputs: Numbers that go out.
            squares: Share of the projection's units that are squared.
            skip: Whether a linear share of the inputs is added to the outputs; more units of the projection say it.
            initialisation: How the layers begin.
            shared: As of `ResidualNetwork`.
        """
        super().__init__(inputs, outputs, initialisation=initialisation, **shared)
        self.width = self.projection.out_features
        self.squares = how_many(squares, self.width)
        self.skip = skip
        if skip:
            self.projection = nn.Linear(inputs, self.width + outputs)
            initialise(self.projection, initialisation)

    def after_projection(self, x: Tensor) -> Tensor:
        """What follows the projection, whose output is `x`.

        The last dense layer of the last block is folded into the head, which is exact and saves a product of
        width × width for every row.
        """
        *blocks, final = self._blocks()
        shape = x.shape[:-1]
        x, linear = x[..., : self.width], x[..., self.width :]
        x = squared(x.flatten(0, -2), self.squares)
        for block in blocks:
            x = block(x)
        last = cast("ResidualBlock", final)
        head, second = self.head, last.second
        folded = head.weight @ second.weight  # (outputs, width)
        bias = head.bias + head.weight @ second.bias
        outputs: Tensor = F.linear(x, head.weight, bias) + F.linear(last.hidden(x), folded)
        outputs = outputs.reshape(*shape, -1)
        return outputs + linear if self.skip else outputs

    def gradient_after_projection(self, x: Tensor) -> Tensor:
        """As the base has it, (..., width + 1) with a skip; the last layer's output is not needed, and not computed.

        With one block `x` is overwritten in any case.
        """
        entered = []
        units, linear = x[..., : self.width], x[..., self.width :]
        x = squared(units, self.squares)
        *blocks, final = self._blocks()
        for block in blocks:
            inner = block.first(F.relu(x))
            entered.append((x, inner))
            x = block.second(F.relu(inner)).add_(x)
        x = x.relu_()  # all that is asked of it from here on is where it is positive
        entered.append((x, final.first(x)))
        gradient: Tensor = self.head.weight[0]  # (width,), then (..., width)
        for block, (x, inner) in zip(reversed(self._blocks()), reversed(entered), strict=True):
            branch = before_relu(gradient @ block.second.weight, inner)
            gradient = before_relu(branch @ block.first.weight, x).add_(gradient)
        gradient = gradient_before_squares(gradient, units, self.squares)
        return torch.cat([gradient, torch.ones_like(linear)], dim=-1) if self.skip else gradient
