"""What generative policies share: they turn noise into an action, step by step, along a field that they learned."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ibc_gym.checks import require_at_least
from ibc_gym.contracts import CanonicalFrame, PolicySpec

from .base import Batch, WindowPolicy, check_finite, evaluating
from .inputs import InputConfig
from .networks.conditional import ConditionalResNet
from .networks.factory import EncoderConfig, observation_encoder
from .noise import Noise, SharedNoise
from .optimisers.box import Box

Field = Callable[[Tensor, float], Tensor]
"""The learned field at actions (B, N, D), all at one time in [0, 1]; of the same shape."""


@dataclass(frozen=True, kw_only=True)
class GenerativeConfig(EncoderConfig, InputConfig):
    """The part of a config that generative policies share."""

    horizon: int = 16
    """Actions that are said at once, a chunk; as Diffusion Policy's, whose first ones are past."""
    execute: int = 8
    """How many of a chunk are carried out before the next one is said; as published for Diffusion Policy."""
    field_width: int = 256
    """Units per layer of the network that an action goes through in every step."""
    field_blocks: int = 2
    """Its residual blocks of two layers."""
    draws: int = 1
    """Noisy actions per demonstrated one in an update; more are cheap where pictures are encoded, once for all."""

    def __post_init__(self) -> None:
        InputConfig.__post_init__(self)
        EncoderConfig.__post_init__(self)
        require_at_least(self, 1, "field_width", "field_blocks", "draws")


class GenerativePolicy(WindowPolicy):
    """A policy that draws an action by following a field from noise to where demonstrations lie."""

    def __init__(
        self, config: GenerativeConfig, spec: PolicySpec, frame: CanonicalFrame | None = None
    ) -> None:
        """Make an untrained policy; see `WindowPolicy`."""
        super().__init__(config, spec, frame)
        self._draws = config.draws
        self.network = ConditionalResNet(
            observation_encoder(config, self._codec.feature_size, self._codec.picture_shapes),
            actions=self.action_size,
            width=config.field_width,
            blocks=config.field_blocks,
        )

    @property
    def box(self) -> Box:
        """The normalised box that actions are clipped to."""
        return Box(self.get_buffer("low"), self.get_buffer("high"))

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Mean squared error of the field, over batch, draws and dimensions.

        Raises:
            TrainingDiverged: The field is not finite; it says where that began.
        """
        batch = self._augmented(batch, generator)
        noise = SharedNoise(generator, self.device)
        demonstrated = batch["action"][:, None].expand(-1, self._draws, -1)  # (B, N, D)
        start = noise.normal(*demonstrated.shape)
        noisy, time, target = self._noised(demonstrated, start, noise)
        found = self.network(self.network.encode(self._prepared(batch)), noisy, time)
        check_finite("field", found, batch, self)
        self._passed()
        error = (found.float() - target).square().mean(dim=(0, 2))  # (N,)
        loss = error.mean()
        return loss, {"field_error": loss.detach()}

    def validate(self, batch: Batch, generator: torch.Generator) -> Mapping[str, float]:
        """Loss, and how far an action that would be taken is from the demonstrated one, on held-out windows."""
        noise = SharedNoise(generator, self.device)
        with evaluating(self), torch.no_grad():
            loss, _ = self.loss(batch, generator)
            chosen = self._choose(self._prepared(batch), noise)
        return {**self._action_errors(chosen, batch["action"]), "loss": float(loss)}

    def sample(self, inputs: Batch, noise: Noise, samples: int) -> Tensor:
        """Draws (B, samples, D), normalised, for inputs as `encode(...).batch(...)` gives them."""
        with evaluating(self), torch.no_grad():
            return self._sample(self._prepared(inputs), noise, samples)

    @abstractmethod
    def _noised(
        self, demonstrated: Tensor, start: Tensor, noise: Noise
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What the field is taught: points (B, N, D), times (B, N) in [0, 1], and what it should say, (B, N, D).

        Args:
            demonstrated: (B, N, D)
            start: Standard normal noise, (B, N, D).
            noise: Source of the times.
        """

    @abstractmethod
    def _follow(self, field: Field, start: Tensor, noise: Noise) -> Tensor:
        """Where the field leads from standard normal noise (B, N, D), within the box."""

    def _choose(self, inputs: Batch, noise: Noise) -> Tensor:
        return self._sample(inputs, noise, 1)[:, 0]

    def _sample(self, inputs: Batch, noise: Noise, samples: int) -> Tensor:
        context = self.network.encode(inputs)
        start = noise.normal(len(context), samples, self.action_size)

        def field(actions: Tensor, time: float) -> Tensor:
            at = torch.full((1, 1), time, device=actions.device)
            found: Tensor = self.network(context, actions, at)
            return found

        return self._follow(field, start, noise)
