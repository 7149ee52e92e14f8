"""A value network so small that judging a candidate costs next to nothing."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from .activation import before_relu
from .initialise import Initialisation, initialise


class ValueMLP(nn.Module):
    """ReLU(projection) → dense → ReLU → scalar head."""

    def __init__(
        self, inputs: int, *, width: int, initialisation: Initialisation = "default"
    ) -> None:
        super().__init__()
        self.closed_form = True
        self.projection = nn.Linear(inputs, width)
        self.hidden = nn.Linear(width, width)
        self.head = nn.Linear(width, 1)
        initialise(self, initialisation)

    def forward(self, x: Tensor) -> Tensor:
        """From (..., inputs) to (..., 1)."""
        return self.after_projection(self.projection(x))

    def after_projection(self, x: Tensor) -> Tensor:
        """What follows the projection, whose output is `x`."""
        value: Tensor = self.head(F.relu(self.hidden(F.relu(x))))
        return value

    def gradient_after_projection(self, x: Tensor) -> Tensor:
        """Gradient of the value with respect to the projection's output `x` (..., width), in closed form.

        Where no slopes are recorded, `x` is overwritten.
        """
        inner = self.hidden(F.relu(x))
        branch = before_relu(self.head.weight[0], inner)
        return before_relu(branch @ self.hidden.weight, x)
