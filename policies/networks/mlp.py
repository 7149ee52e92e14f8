"""A multilayer perceptron with dropout."""

from __future__ import annotations

from torch import Tensor, nn

from ibc_gym.errors import ConfigError

from .activation import ACTIVATIONS, Activation
from .initialise import Initialisation, initialise


class MLPDropout(nn.Module):
    """depth × [dense → activation → dropout], then a linear head (Florence et al. 2021, released code)."""

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
            ConfigError: There is no layer.
        """
        super().__init__()
        if depth < 1:
            raise ConfigError(f"depth is {depth}, but an MLP has at least 1 hidden layer.")
        self.closed_form = False
        self._activate = ACTIVATIONS[activation]
        self.projection = nn.Linear(inputs, width)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth - 1))
        self.head = nn.Linear(width, outputs)
        self.dropout = nn.Dropout(dropout)
        initialise(self, initialisation)

    def forward(self, x: Tensor) -> Tensor:
        """From (..., inputs) to (..., outputs)."""
        return self.after_projection(self.projection(x))

    def after_projection(self, x: Tensor) -> Tensor:
        """What follows the first dense layer, whose output is `x`."""
        x = self.dropout(self._activate(x))
        for layer in self.layers:
            x = self.dropout(self._activate(layer(x)))
        outputs: Tensor = self.head(x)
        return outputs
