"""The value network that judges an action beside an encoded picture."""

from __future__ import annotations

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from ibc_gym.errors import ConfigError

from .initialise import Initialisation, initialise


class BottleneckBlock(nn.Module):
    """x + dense(ReLU(dense(ReLU(dense(ReLU x))))), with a quarter of the width inside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.down = nn.Linear(width, width // 4)
        self.middle = nn.Linear(width // 4, width // 4)
        self.up = nn.Linear(width // 4, width)

    def forward(self, x: Tensor) -> Tensor:
        """From (..., width) to (..., width)."""
        branch: Tensor = self.up(F.relu(self.middle(F.relu(self.down(F.relu(x))))))
        return x + branch


class DenseResnetValue(nn.Module):
    """A linear projection, bottleneck blocks, and a scalar head (Florence et al. 2021, released code).

    "1024x4" in the paper's tables is width 1024 and 1 block.
    """

    def __init__(
        self, inputs: int, *, width: int, blocks: int, initialisation: Initialisation = "normal"
    ) -> None:
        """Make the layers.

        Raises:
            ConfigError: The width is not divisible by 4, or there is no block.
        """
        super().__init__()
        if width % 4 or blocks < 1:
            raise ConfigError(
                f"DenseResnetValue of width {width} with {blocks} blocks: the width must be divisible by 4, "
                "and there must be a block."
            )
        self.projection = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(BottleneckBlock(width) for _ in range(blocks))
        self.head = nn.Linear(width, 1)
        initialise(self, initialisation)

    def forward(self, x: Tensor) -> Tensor:
        """From (..., inputs) to (..., 1)."""
        return self.after_projection(self.projection(x))

    def after_projection(self, x: Tensor) -> Tensor:
        """What follows the projection, whose output is `x`."""
        for block in self.blocks:
            x = block(x)
        value: Tensor = self.head(x)
        return value

    def gradient_after_projection(self, x: Tensor) -> Tensor:
        """Gradient of the value with respect to the projection's output `x` (..., width), in closed form."""
        masks = []
        for block in self._blocks():
            down = block.down(F.relu(x))
            middle = block.middle(F.relu(down))
            masks.append((x > 0, down > 0, middle > 0))
            if len(masks) < len(self.blocks):
                x = x + block.up(F.relu(middle))
        gradient: Tensor = self.head.weight[0]
        for block, (outer, down, middle) in zip(
            reversed(self._blocks()), reversed(masks), strict=True
        ):
            branch = (gradient @ block.up.weight) * middle
            branch = (branch @ block.middle.weight) * down
            gradient = gradient + (branch @ block.down.weight) * outer
        return gradient

    def _blocks(self) -> list[BottleneckBlock]:
        return cast("list[BottleneckBlock]", list(self.blocks))
