"""The value network that judges an action beside an encoded picture."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from .activation import ACTIVATIONS, Activation, before_relu
from .initialise import Initialisation, initialise


class BottleneckBlock(nn.Module):
    """x + three dense layers, each after activation and dropout, with a quarter of the width inside."""

    def __init__(self, width: int, dropout: float = 0.0, activation: Activation = "relu") -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self._activate = ACTIVATIONS[activation]
        self.down = nn.Linear(width, width // 4)
        self.middle = nn.Linear(width // 4, width // 4)
        self.up = nn.Linear(width // 4, width)

    def forward(self, x: Tensor) -> Tensor:
        """From (..., width) to (..., width)."""
        branch = x
        for layer in (self.down, self.middle, self.up):
            branch = layer(self.dropout(self._activate(branch)))
        return branch.add_(x)


class DenseResnetValue(nn.Module):
    """A linear projection, bottleneck blocks, and a linear head (Florence et al. 2021, released code).

    "1024x4" in the paper's tables is width 1024 and 1 block; its 8, 14 and 20 layers are 2, 4 and 6 blocks.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int = 1,
        *,
        width: int,
        blocks: int,
        dropout: float = 0.0,
        activation: Activation = "relu",
        initialisation: Initialisation = "normal",
    ) -> None:
        """Make the layers; a value is one output, an explicit policy has more. The width is a multiple of 4."""
        super().__init__()
        self.closed_form = activation == "relu"
        self.projection = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(
            BottleneckBlock(width, dropout, activation) for _ in range(blocks)
        )
        self.head = nn.Linear(width, outputs)
        initialise(self, initialisation)

    def forward(self, x: Tensor) -> Tensor:
        """From (..., inputs) to (..., outputs)."""
        return self.after_projection(self.projection(x))

    def after_projection(self, x: Tensor) -> Tensor:
        """What follows the projection, whose output is `x`."""
        for block in self.blocks:
            x = block(x)
        value: Tensor = self.head(x)
        return value

    def gradient_after_projection(self, x: Tensor) -> Tensor:
        """Gradient of the only output with respect to the projection's output `x` (..., width), in closed form."""
        entered = []
        for block in self._blocks():
            down = block.down(x.relu())
            middle = block.middle(down.relu())
            entered.append((x, down, middle))
            if len(entered) < len(self.blocks):
                x = block.up(middle.relu()).add_(x)
        gradient: Tensor = self.head.weight[0]
        for block, (x, down, middle) in zip(
            reversed(self._blocks()), reversed(entered), strict=True
        ):
            branch = before_relu(gradient @ block.up.weight, middle)
            branch = before_relu(branch @ block.middle.weight, down)
            gradient = before_relu(branch @ block.down.weight, x).add_(gradient)
        return gradient

    def _blocks(self) -> list[BottleneckBlock]:
        return cast("list[BottleneckBlock]", list(self.blocks))
