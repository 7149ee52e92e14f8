"""Encoders of observations: pictures and features side by side, as one vector."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .initialise import Initialisation, initialise
from .pictures import PictureNetwork
from .resnet import ResidualBlock
from .squares import how_many, squared

PictureShapes = Mapping[str, tuple[int, int, int]]


class DenseTrunk(nn.Module):
    """A dense pre-activation ResNet that ends in a ReLU instead of a head."""

    def __init__(
        self,
        inputs: int,
        *,
        width: int,
        depth: int,
        skip: bool = False,
        squares: float = 0.0,
        initialisation: Initialisation,
    ) -> None:
        """Make the layers.

        Args:
            inputs: F.
            width: Units per layer.
            depth: Dense layers in the blocks.
            skip: Whether the features themselves are handed on beside what was made of them.
            squares: Share of the first layer's units that are squared.
            initialisation: How the layers begin.
        """
        super().__init__()
        self._skip = skip
        self._squared = how_many(squares, width)
        self.projection = nn.Linear(inputs, width)
        self.blocks = nn.Sequential(*(ResidualBlock(width, 0.0) for _ in range(depth // 2)))
        self.outputs = width + inputs if skip else width
        initialise(self, initialisation)

    def forward(self, features: Tensor) -> Tensor:
        """From (B, inputs) to (B, outputs)."""
        units = squared(self.projection(features), self._squared)
        encoded = F.relu(self.blocks(units))
        return torch.cat([encoded, features], dim=1) if self._skip else encoded


class AsIs(nn.Module):
    """Gives the features as they are."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.outputs = inputs

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs), unchanged."""
        return features


class ObservationEncoder(nn.Module):
    """One encoder per picture, one for all features; their outputs are concatenated, and may go through a trunk."""

    def __init__(
        self,
        features: DenseTrunk | AsIs | None,
        pictures: Mapping[str, PictureNetwork],
        trunk: Callable[[int], DenseTrunk] | None = None,
    ) -> None:
        """Put the encoders together.

        Args:
            features: Encoder of "features", or None where there are only pictures.
            pictures: Encoder of pictures, by input name.
            trunk: Makes what all of it goes through, for so many numbers; None hands them on.
        """
        super().__init__()
        self.features = features
        self._names = tuple(pictures)
        self.pictures = nn.ModuleList(pictures.values())
        encoded = (features.outputs if features else 0) + sum(
            encoder.outputs for encoder in pictures.values()
        )
        self.trunk = trunk(encoded) if trunk else None
        self.outputs = encoded if self.trunk is None else self.trunk.outputs

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """One vector (B, outputs) of "features" (B, F) and standardised pictures (B, C, H, W) by name."""
        parts = [
            encoder(inputs[name]) for name, encoder in zip(self._names, self.pictures, strict=True)
        ]
        if self.features is not None:
            parts.append(self.features(inputs["features"]))
        encoded = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
        return encoded if self.trunk is None else self.trunk(encoded)
