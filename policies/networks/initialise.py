"""How layers begin: as published, or as PyTorch does by default."""

from __future__ import annotations

from typing import Literal

from torch import nn

Initialisation = Literal["normal", "default"]

_PUBLISHED_STD = 0.05


def initialise(module: nn.Module, how: Initialisation) -> None:
    """Draw the weights and biases of all dense layers in `module` anew.

    "normal" is N(0, 0.05²) for weights and biases alike (Florence et al. 2021, released code); "default" leaves
    PyTorch's own. The numbers come from torch's global generator, as they do in every torch module.
    """
    if how == "default":
        return
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=_PUBLISHED_STD)
            nn.init.normal_(layer.bias, std=_PUBLISHED_STD)


def initialise_convolution(module: nn.Module) -> None:
    """Draw the kernels of all convolutions in `module` Glorot-uniform, and set their biases to zero, as published."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
