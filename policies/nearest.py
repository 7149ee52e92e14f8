"""The baseline that learns nothing: what was demonstrated where it looked most like now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ibc_gym.checks import require_at_least
from ibc_gym.contracts import CanonicalFrame, PolicySpec
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.records import Float32, Windows

from .base import Batch, WindowPolicy, check_finite
from .chunks import cut
from .inputs import ActionNormalisation, InputConfig
from .noise import Noise

_CHUNK: Final = 256
"""Windows that are put into the table at once, so that their pictures need little memory."""
_DISTANCES: Final = 2**24
"""Distances that are held at once."""


@dataclass(frozen=True, kw_only=True)
class NearestConfig(InputConfig):
    """A table of demonstrations."""

    action_normalisation: ActionNormalisation = "standardise"
    """Of the held-out error alone: the demonstrated action is given back as it is."""
    unit_variance: bool = True
    """Whether features are compared in units of their deviation; the paper saw no difference to their own units."""
    projection: int = 128
    """Numbers that a window of pictures is projected to, at random; as published."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 1, "projection")


class Nearest(WindowPolicy):
    """The action of the nearest demonstrated window (Florence et al. 2021, §C.4), by Euclidean distance.

    It has no parameters: `fit` fills the table, which is the module's state, and there is nothing to descend. A window
    is its features and, of each picture, a fixed random projection of all its pixels.
    """

    Config: ClassVar[type[InputConfig]] = NearestConfig
    descends: ClassVar[bool] = False

    keys: Tensor
    """What is compared, (M, K)."""
    answers: Tensor
    """The chunks beside them, normalised and in the canonical frame if there is one, (M, H A)."""
    actions: Tensor
    """The same as they were demonstrated, (M, H A)."""

    def __init__(
        self, config: NearestConfig, spec: PolicySpec, frame: CanonicalFrame | None = None
    ) -> None:
        """Make an empty table; see `WindowPolicy`. The projections come from torch's global generator."""
        super().__init__(config, spec, frame)
        self._nearest = config
        shapes = self._codec.picture_shapes
        for index, shape in enumerate(shapes.values()):
            pixels = int(np.prod(shape))
            drawn = torch.randn(pixels, config.projection) * pixels**-0.5
            self.register_buffer(f"projection_{index}", drawn)
        self._units = torch.ones(self._codec.feature_size)
        self._empty(0)

    def fit(self, windows: Windows) -> None:
        """Fit the normalisers, and fill the table.

        Raises:
            SpecMismatch: The windows are empty, not finite, or do not fit the spaces.
        """
        super().fit(windows)
        data = self.encode(windows)
        self._take_units()
        self._empty(len(data))
        for rows in torch.arange(len(data)).split(_CHUNK):
            batch = data.batch(rows)
            self.keys[rows] = self._keys(self._prepared(batch))
            self.answers[rows] = batch["action"].to(self.device)
        chunks = cut(windows, self._nearest.horizon, self._nearest.lead)
        self.actions.copy_(torch.from_numpy(chunks.reshape(len(chunks), -1)))

    def fitted(self) -> Mapping[str, Any]:
        """What `fit` found but for the table, as plain JSON; of the table its length."""
        return {**super().fitted(), "table": len(self.keys)}

    def load_fitted(self, fitted: Mapping[str, Any]) -> None:
        """Read back what `fitted` gave, and make room for the table, which is part of the module's state.

        Raises:
            SpecMismatch: It belongs to other inputs or actions, or to a policy without a table.
        """
        if "table" not in fitted:
            raise SpecMismatch(
                "These numbers are not those of a table of demonstrations: they do not say how long it is."
            )
        super().load_fitted(fitted)
        self._take_units()
        self._empty(int(fitted["table"]))

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Mean squared error of the table's answers in normalised units; it has no slope.

        Raises:
            TrainingDiverged: A number of the table or the batch is not finite.
        """
        answer = self._choose(self._prepared(batch))
        error = (answer - batch["action"]).square().mean()
        check_finite("error", error, batch, self)
        return error, {"mse": error}

    def validate(self, batch: Batch, generator: torch.Generator) -> Mapping[str, float]:
        """How far the answer is from the demonstrated action on held-out windows, and how far away it was found."""
        inputs = self._prepared(batch)
        keys = self._keys(inputs)
        rows = self._nearest_rows(keys)
        answer = self.answers[rows]
        distance = torch.linalg.vector_norm(keys - self.keys[rows], dim=1)
        return {
            **self._action_errors(answer, batch["action"]),
            "loss": float((answer - batch["action"]).square().mean()),
            "distance": float(distance.mean()),
        }

    def _doubts(self, inputs: Batch) -> dict[str, Tensor]:
        """Beside the novelty, "distance": how far away the nearest window is, in the units that keys are compared in."""
        keys = self._keys(inputs)
        nearest = self.keys[self._nearest_rows(keys)]
        return {
            **super()._doubts(inputs),
            "distance": torch.linalg.vector_norm(keys - nearest, dim=1),
        }

    def _predict(self, windows: Mapping[str, NDArray[Any]]) -> Float32:
        """What was demonstrated from the nearest windows on, (R, H, A), to the last bit.

        In a canonical frame it is turned into the observation's, and so rounded.
        """
        if self._codec.frame is not None:
            return super()._predict(windows)
        rows = self._rows(self._look(windows))
        chunks = self.actions[rows].unflatten(1, (self._nearest.horizon, -1)).cpu().numpy()
        space = self._spec.action_space
        clipped: Float32 = np.clip(chunks, space.low, space.high)
        return clipped

    def _choose(self, inputs: Batch, noise: Noise | None = None) -> Tensor:
        return self.answers[self._rows(inputs)]

    def _rows(self, inputs: Batch) -> Tensor:
        return self._nearest_rows(self._keys(inputs))

    def _keys(self, inputs: Batch) -> Tensor:
        """What windows are compared by, (B, K), of inputs as `_prepared` gives them."""
        parts = []
        if "features" in inputs:
            parts.append(inputs["features"] * self._units.to(self.device))
        for index, name in enumerate(self._codec.config.image_inputs):
            parts.append(inputs[name].flatten(1) @ self.get_buffer(f"projection_{index}"))
        return torch.cat(parts, dim=1)

    def _nearest_rows(self, keys: Tensor) -> Tensor:
        """Rows of the table (B,) that are nearest to keys (B, K); of equally near ones the first.

        Differences are squared one by one: by products, equal vectors would not be at distance 0.
        """
        if not len(self.keys):
            raise ConfigError("The table is empty: call fit(windows) first, or load a checkpoint.")
        found = []
        for part in keys.split(max(1, _DISTANCES // len(self.keys))):
            exactly = "donot_use_mm_for_euclid_dist"
            distances = torch.cdist(part, self.keys, compute_mode=exactly)
            check_finite("distance to the table", distances, {}, self)
            found.append(distances.argmin(dim=1))
        return torch.cat(found)

    def _take_units(self) -> None:
        """By what features are multiplied before they are compared: nothing, or what normalising divided them by."""
        if self._nearest.unit_variance:
            return
        self._units = torch.from_numpy(self._codec.feature_scales)

    def _empty(self, rows: int) -> None:
        """Make room for so many windows."""
        shapes = self._codec.picture_shapes
        size = self._codec.feature_size + self._nearest.projection * len(shapes)
        for name, width in (
            ("keys", size),
            ("answers", self.action_size),
            ("actions", self.action_size),
        ):
            self.register_buffer(name, torch.zeros(rows, width, device=self.device))
