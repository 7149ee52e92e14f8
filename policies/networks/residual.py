"""What dense residual networks of two layers per block share: their layers, and the way through them."""

from __future__ import annotations

from typing import ClassVar, cast

from torch import Tensor, nn

from ibc_gym.errors import ConfigError

from .activation import ACTIVATIONS, IN_PLACE, Activation
from .initialise import Initialisation, initialise


class TwoLayerBlock(nn.Module):
    """Two dense layers beside a skip; a subclass says where it activates."""

    def __init__(self, width: int, dropout: float, activation: Activation = "relu") -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self._activate = ACTIVATIONS[activation]
        self._activate_in_place = IN_PLACE[activation]

    def forward(self, x: Tensor) -> Tensor:
        """From (..., width) to (..., width)."""
        raise NotImplementedError


class ResidualNetwork(nn.Module):
    """Projection, depth / 2 blocks of one kind, linear head; `depth` counts the dense layers inside the blocks."""

    block: ClassVar[type[TwoLayerBlock]]
    """What it is made of."""

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
            self.block(width, dropout, activation) for _ in range(depth // 2)
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

        In closed form, by the ReLUs' masks; without dropout it equals autograd's, and it can itself be
        differentiated with respect to the weights. Where no slopes are recorded, `x` is overwritten.
        """
        raise NotImplementedError

    def _blocks(self) -> list[TwoLayerBlock]:
        return cast("list[TwoLayerBlock]", list(self.blocks))
