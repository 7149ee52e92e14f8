"""What stands between dense layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

import torch.nn.functional as F
from torch import Tensor

Activation = Literal["relu", "swish"]

ACTIVATIONS: Final[Mapping[Activation, Callable[[Tensor], Tensor]]] = {
    "relu": F.relu,
    "swish": F.silu,
}
