"""The explicit baseline: a network that says the action outright, trained by mean squared error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ibc_gym.contracts import CanonicalFrame, PolicySpec
from ibc_gym.errors import ConfigError

from .base import Batch, WindowPolicy, action_errors, check_finite, evaluating
from .inputs import ActionNormalisation, InputConfig
from .networks.initialise import Initialisation
from .networks.mlp import MLPDropout
from .networks.observation import AsIs, ObservationEncoder
from .networks.resnet import DenseResNet
from .noise import Noise


@dataclass(frozen=True, kw_only=True)
class MSEConfig(InputConfig):
    """A policy trained by mean squared error."""

    action_normalisation: ActionNormalisation = "standardise"
    """As published for this baseline; see `InputConfig`."""
    trunk: Literal["resnet", "mlp"] = "resnet"
    """Dense pre-activation ResNet, or MLP."""
    width: int = 256
    """Units per layer."""
    depth: int = 4
    """Dense layers: inside the residual blocks, or hidden ones of the MLP."""
    dropout: float = 0.1
    """Share of units dropped in training."""
    initialisation: Initialisation = "default"
    """"normal" is the published N(0, 0.05²), "default" PyTorch's own."""
    channels: tuple[int, ...] = (32, 64, 128, 256)
    """Channels of the convolutions over pictures; each layer halves the picture."""
    coordinates: bool = True
    """Whether pictures get two channels with row and column."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout is {self.dropout}, but must be in [0, 1).")


class MSE(WindowPolicy):
    """Explicit behavioural cloning, with the trunks of the implicit policy."""

    Config: ClassVar[type[InputConfig]] = MSEConfig

    def __init__(
        self, config: MSEConfig, spec: PolicySpec, frame: CanonicalFrame | None = None
    ) -> None:
        """Make an untrained policy; see `WindowPolicy`."""
        super().__init__(config, spec, frame)
        codec = self._codec
        features = AsIs(codec.feature_size) if codec.feature_size else None
        self.encoder = ObservationEncoder(
            features,
            codec.picture_shapes,
            channels=config.channels,
            coordinates=config.coordinates,
        )
        trunk = DenseResNet if config.trunk == "resnet" else MLPDropout
        self.network = trunk(
            self.encoder.outputs,
            self.action_size,
            width=config.width,
            depth=config.depth,
            dropout=config.dropout,
            initialisation=config.initialisation,
        )
        self._share = config.dropout

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Mean squared error in normalised units, averaged over batch and dimensions.

        Raises:
            TrainingDiverged: The prediction is not finite; it says where that began.
        """
        batch = self._augmented(batch, generator)
        inputs = self._prepared(batch)
        with self._dropout(self._share, generator):
            predicted = self._predict(inputs)
        check_finite("prediction", predicted, batch, self)
        loss = F.mse_loss(predicted, batch["action"])
        return loss, {"mse": loss.detach()}

    def validate(self, batch: Batch, generator: torch.Generator) -> Mapping[str, float]:
        """Loss, and how far the prediction is from the demonstrated action, on held-out windows."""
        with evaluating(self), torch.no_grad():
            predicted = self._predict(self._prepared(batch))
        return {
            **action_errors(predicted, batch["action"]),
            "loss": float(F.mse_loss(predicted, batch["action"])),
        }

    def _choose(self, inputs: Batch, noise: Noise) -> Tensor:
        return self._predict(inputs)

    def _predict(self, inputs: Batch) -> Tensor:
        predicted: Tensor = self.network(self.encoder(inputs))
        return predicted
