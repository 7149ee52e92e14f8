"""A policy's view of its training windows: normalised tensors, indexed per batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
import torch
from torch import Tensor

from ibc_gym.records import Windows

from .codec import Codec


class TensorWindows:
    """All windows in memory: features and actions as floats, every picture once as uint8."""

    def __init__(
        self,
        dense: Mapping[str, Tensor],
        pictures: Mapping[str, Tensor],
        index: Tensor,
    ) -> None:
        """Hold tensors that are already normalised.

        Args:
            dense: "action" (M, H A), and "features" (M, F) if there are any.
            pictures: Frames of every image input, uint8, (F, h, w, C).
            index: Rows of the pictures that make up a window, (M, T).
        """
        self._dense = dense
        self._pictures = pictures
        self._index = index

    @classmethod
    def of(cls, windows: Windows, codec: Codec) -> Self:
        """Normalise all windows at once."""
        inputs = {name: windows.observation(name) for name in codec.config.feature_inputs}
        dense = {"action": torch.from_numpy(codec.chunks_in(windows, inputs))}
        if inputs:
            dense["features"] = torch.from_numpy(codec.features(inputs))
        pictures = {
            name: torch.from_numpy(np.ascontiguousarray(codec.pictures(name, windows.frames[name])))
            for name in codec.config.image_inputs
        }
        return cls(dense, pictures, torch.from_numpy(windows.index.astype(np.int64)))

    def __len__(self) -> int:
        return len(self._index)

    def batch(self, rows: Tensor) -> dict[str, Tensor]:
        """The windows of these rows: "action" (B, H A), "features" (B, F), pictures (B, T, h, w, C) by input."""
        batch = {name: values.index_select(0, rows) for name, values in self._dense.items()}
        if self._pictures:
            frames = self._index[rows]  # (B, T)
            batch.update({name: pictures[frames] for name, pictures in self._pictures.items()})
        return batch

    def to(self, device: torch.device | str) -> Self:
        """The same on another device."""
        return type(self)(
            {name: values.to(device) for name, values in self._dense.items()},
            {name: pictures.to(device) for name, pictures in self._pictures.items()},
            self._index.to(device),
        )
