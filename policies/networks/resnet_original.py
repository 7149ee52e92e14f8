"""A dense residual network, activated after each layer."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from ibc_gym.errors import ConfigError

from .activation import ACTIVATIONS, Activation
from .initialise import Initialisation, initialise


class OriginalBlock(nn.Module):
    """x + dense → activation → dropout → dense, and activation and dropout over the sum."""

    def __init__(self, width: int, dropout: float, activation: Activation = "relu") -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self._activate = ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        """From (..., width) to (..., width)."""
        branch = self.second(self.dropout(self._activate(self.first(x))))
        activated: Tensor = self.dropout(self._activate(x + branch))
        return activated


class DenseResNetOriginal(nn.Module):
    """Projection, depth / 2 post-activated residual blocks, linear head: He et al. 2015, in dense layers.

    The released code of Florence et al. 2021 has it beside the pre-activated one and uses it nowhere; `depth` counts
    the dense layers inside the blocks, as there.
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
        self.projection = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(
            OriginalBlock(width, dropout, activation) for _ in range(depth // 2)
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
        outputs: Tensor = self.head(x)
        return outputs

    def gradient_after_projection(self, x: Tensor) -> Tensor:
        """Gradient of the only output with respect to the projection's output `x` (..., width).

        In closed form, by the ReLUs' masks, as in `DenseResNet`.
        """
        masks = []
        for block in self._blocks():
            inner = block.first(x)
            total = x + block.second(inner.relu())
            masks.append((inner > 0, total > 0))
            x = total.relu()
        gradient: Tensor = self.head.weight[0]
        for block, (inner, outer) in zip(reversed(self._blocks()), reversed(masks), strict=True):
            gradient = gradient * outer
            branch = (gradient @ block.second.weight) * inner
            gradient = gradient + branch @ block.first.weight
        return gradient

    def _blocks(self) -> list[OriginalBlock]:
        return cast("list[OriginalBlock]", list(self.blocks))
