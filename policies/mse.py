"""The explicit baseline: a network that says the action outright, trained by mean squared error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ibc_gym.contracts import CanonicalFrame, PolicySpec

from .base import Batch, check_finite, evaluating
from .explicit import ExplicitConfig, ExplicitPolicy
from .inputs import InputConfig
from .noise import Noise


@dataclass(frozen=True, kw_only=True)
class MSEConfig(ExplicitConfig):
    """A policy trained by mean squared error."""


class MSE(ExplicitPolicy):
    """Explicit behavioural cloning, with the trunks of the implicit policy."""

    Config: ClassVar[type[InputConfig]] = MSEConfig

    def __init__(
        self, config: MSEConfig, spec: PolicySpec, frame: CanonicalFrame | None = None
    ) -> None:
        """Make an untrained policy; see `WindowPolicy`."""
        super().__init__(config, spec, frame, config.chunk_size(spec))

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Mean squared error in normalised units, averaged over batch and dimensions.

        Raises:
            TrainingDiverged: The prediction is not finite; it says where that began.
        """
        batch = self._augmented(batch, generator)
        inputs = self._prepared(batch)
        with self._dropout(self._share, generator):
            predicted = self._outputs(inputs)
        check_finite("prediction", predicted, batch, self)
        self._passed()
        loss = F.mse_loss(predicted, batch["action"])
        return loss, {"mse": loss.detach()}

    def validate(self, batch: Batch, generator: torch.Generator) -> Mapping[str, float]:
        """Loss, and how far the prediction is from the demonstrated action, on held-out windows."""
        with evaluating(self), torch.no_grad():
            predicted = self._outputs(self._prepared(batch))
        return {
            **self._action_errors(predicted, batch["action"]),
            "loss": float(F.mse_loss(predicted, batch["action"])),
        }

    def _choose(self, inputs: Batch, noise: Noise) -> Tensor:
        return self._outputs(inputs)
