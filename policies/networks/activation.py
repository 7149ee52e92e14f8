"""What stands between dense layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Activation = Literal["relu", "swish"]

ACTIVATIONS: Final[Mapping[Activation, Callable[[Tensor], Tensor]]] = {
    "relu": F.relu,
    "swish": F.silu,
}

IN_PLACE: Final[Mapping[Activation, Callable[[Tensor], Tensor]]] = {
    "relu": F.relu_,
    "swish": F.silu,
}
"""The same of a tensor that nobody needs afterwards: its memory is used again where the slope can be told without it."""


def before_relu(gradient: Tensor, x: Tensor) -> Tensor:
    """The gradient with respect to `x` (..., W), from that with respect to ReLU(x), (..., W) or (W,).

    It passes where x > 0. This is what autograd itself calls; a product with the mask as a tensor of its own costs
    seven times as much, half as much as a product of matrices 256 wide. Where no slopes are recorded it takes the place of
    `x`: memory that is had anew from the system costs as much again.
    """
    operator = torch.ops.aten.threshold_backward
    passed: Tensor
    if torch.is_grad_enabled():
        passed = operator(gradient.expand_as(x), x, 0)
    else:
        passed = operator.grad_input(gradient.expand_as(x), x, 0, grad_input=x)
    return passed
