"""The explicit baseline with several answers: a mixture density network, trained by likelihood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ibc_gym.checks import owner, require_not_negative, require_positive, require_temperature
from ibc_gym.contracts import CanonicalFrame, PolicySpec
from ibc_gym.errors import ConfigError

from .base import Batch, check_finite, evaluating
from .doubt import LEAST_WIDTH
from .explicit import ExplicitConfig, ExplicitPolicy
from .inputs import InputConfig
from .mixture import Mixture
from .noise import Noise, SharedNoise


@dataclass(frozen=True, kw_only=True)
class MDNConfig(ExplicitConfig):
    """A policy that says a mixture of Gaussians."""

    components: int = 26
    """Gaussians in the mixture."""
    training_temperature: float = 1.0
    """What the mixture's logits are divided by in training; 1, for pictures 2, for human data 2.5, as published."""
    acting_temperature: float = 1.0
    """The same when acting; higher draws rarer components more often."""
    scale_exponent: float = 1.0
    """Power that the standard deviations are raised to when acting; 4 is published for pictures, and sharpens."""
    scale_floor: float = 1e-3
    """Least standard deviation [normalised action units]; without one (0, as published) the likelihood has no upper bound.

    A wide one keeps sharp components from drowning what is learned about which of them to take.
    """
    mean_spread: float = 0.0
    """Deviation of the biases that the components' means begin with, added to the initialisation's own; 0 as published."""
    pick: Literal["sample", "most_probable", "densest"] = "sample"
    """A draw from the mixture, as published; or the mean of the component with the greatest share, or greatest height."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.components < 1:
            raise ConfigError(
                f"{owner(self)}.components is {self.components}, but a mixture has at least 1 component."
            )
        require_temperature(self, "training_temperature", "acting_temperature")
        require_positive(self, "scale_exponent")
        require_not_negative(self, "scale_floor", "mean_spread")


class MDN(ExplicitPolicy):
    """Explicit behavioural cloning by a density (Bishop 1994), as the baseline of Florence et al. 2021."""

    Config: ClassVar[type[InputConfig]] = MDNConfig

    def __init__(
        self, config: MDNConfig, spec: PolicySpec, frame: CanonicalFrame | None = None
    ) -> None:
        """Make an untrained policy; see `WindowPolicy`."""
        size = config.chunk_size(spec)
        super().__init__(config, spec, frame, config.components * (2 * size + 1))
        self._mdn = config
        if config.mean_spread:
            with torch.no_grad():
                means = self.network.head.bias[: config.components * size]
                means.add_(config.mean_spread * torch.randn_like(means))

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Negative log likelihood of the demonstrated action in normalised units, averaged over the batch.

        Raises:
            TrainingDiverged: A parameter of the mixture or its likelihood is not finite; it says where that began.
        """
        batch = self._augmented(batch, generator)
        inputs = self._prepared(batch)
        with self._dropout(self._share, generator):
            outputs = self._outputs(inputs)
        check_finite("mixture", outputs, batch, self)
        mixture = self._mixture(outputs, acting=False)
        log_density = mixture.log_density(batch["action"])
        check_finite("likelihood", log_density, batch, self)
        self._passed()
        loss = -log_density.mean()
        with torch.no_grad():
            parts = {
                "negative_log_likelihood": loss.detach(),
                "component_entropy": mixture.entropy().mean(),
                "least_scale": mixture.log_scales.amin().exp(),
            }
        return loss, parts

    def validate(self, batch: Batch, generator: torch.Generator) -> Mapping[str, float]:
        """Loss, and how far the action that would be taken is from the demonstrated one, on held-out windows."""
        noise = SharedNoise(generator, self.device)
        with evaluating(self), torch.no_grad():
            outputs = self._outputs(self._prepared(batch))
            loss = -self._mixture(outputs, acting=False).log_density(batch["action"]).mean()
            mixture = self._mixture(outputs, acting=True)
            chosen = self._pick(mixture, noise)
        return {
            **self._action_errors(chosen, batch["action"]),
            "loss": float(loss),
            "component_entropy": float(mixture.entropy().mean()),
        }

    def mixture(self, inputs: Batch) -> Mixture:
        """The mixture that is acted on, in normalised units, for inputs as `encode(...).batch(...)` gives them."""
        with evaluating(self), torch.no_grad():
            return self._mixture(self._outputs(self._prepared(inputs)), acting=True)

    def _choose(self, inputs: Batch, noise: Noise) -> Tensor:
        return self._pick(self._mixture(self._outputs(inputs), acting=True), noise)

    def _doubts(self, inputs: Batch) -> dict[str, Tensor]:
        """Of the mixture that was acted on, and the novelty.

        "entropy" is that of the components' shares [nats], 0 where one has it all; "deviation" the mixture's standard
        deviation, components and what lies between them together, as a share of the box's width.
        """
        mixture = self._mixture(self._outputs(inputs), acting=True)
        width = (self.get_buffer("high") - self.get_buffer("low")).clamp_min(LEAST_WIDTH)
        shares = mixture.variance() / width.square()
        return {
            **super()._doubts(inputs),
            "entropy": mixture.entropy(),
            "deviation": shares.mean(dim=1).sqrt(),
        }

    def _pick(self, mixture: Mixture, noise: Noise) -> Tensor:
        match self._mdn.pick:
            case "sample":
                return mixture.sample(noise)
            case "most_probable":
                return mixture.most_probable()
            case "densest":
                return mixture.densest()

    def _mixture(self, outputs: Tensor, *, acting: bool) -> Mixture:
        config = self._mdn
        return Mixture.of(
            outputs,
            config.components,
            temperature=config.acting_temperature if acting else config.training_temperature,
            scale_floor=config.scale_floor,
            scale_exponent=config.scale_exponent if acting else 1.0,
        )
