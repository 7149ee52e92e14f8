"""What can be said about the implicit policy `ebm`, and what of it makes no sense together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ibc_gym.checks import owner, require_temperature
from ibc_gym.errors import ConfigError

from .inputs import InputConfig
from .losses import GradientPenaltyConfig, Loss
from .negatives import NegativesConfig
from .networks.factory import JointConfig, LateFusionConfig
from .optimisers.dfo import DFOConfig
from .optimisers.langevin import LangevinConfig
from .proposal import ProposalConfig


@dataclass(frozen=True, kw_only=True)
class EBMConfig(InputConfig):
    """An energy-based policy."""

    network: Literal["late_fusion", "joint"] = "late_fusion"
    """Encode the observation once and judge actions by a small network, or put both through one, as published."""
    late_fusion: LateFusionConfig = field(default_factory=LateFusionConfig)
    """Sizes of the late-fusion network."""
    joint: JointConfig = field(default_factory=JointConfig)
    """Sizes of the joint network."""
    negatives: NegativesConfig = field(default_factory=NegativesConfig)
    """Counter-examples in training."""
    loss: Loss = "info_nce"
    """How the demonstration is told from them; the others than InfoNCE are the released code's, used by none of its
    configurations."""
    gradient_penalty: GradientPenaltyConfig = field(default_factory=GradientPenaltyConfig)
    """Bound on the slope of the energy."""
    temperature: float = 1.0
    """Of the softmax in the loss."""
    optimiser: Literal["dfo", "langevin"] = "dfo"
    """How the least energetic action is found; it also chooses the kind of counter-examples where those are not said."""
    dfo: DFOConfig = field(default_factory=DFOConfig)
    """Constants of the derivative-free optimiser."""
    langevin: LangevinConfig = field(default_factory=LangevinConfig)
    """Constants of Langevin dynamics."""
    proposal: ProposalConfig = field(default_factory=ProposalConfig)
    """The learned density of actions; it is trained where `negatives.proposal` or `proposal.starts` asks for it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_temperature(self, "temperature")
        if self.network == "joint" and self.image_inputs:
            raise ConfigError(
                f"{owner(self)}.network is 'joint', but the joint network takes no pictures: every candidate would cost a "
                "convolution. Use 'late_fusion'."
            )
        counts = self.negatives.resolved(self.optimiser)
        for needs, what in (
            (self.loss == "cd_kl", "loss='cd_kl' has its gradient pass through Langevin chains"),
            (
                self.gradient_penalty.points == "all" and self.penalty_weight > 0,
                "gradient_penalty.points='all' means Langevin chains",
            ),
        ):
            if needs and not counts.langevin:
                raise ConfigError(
                    f"{what}, but no counter-example is the end of one: set negatives.langevin."
                )
        if self.loss == "cd_kl" and self.network == "joint" and self.joint.activation != "relu":
            raise ConfigError(
                f"loss='cd_kl' takes the slope of the energy as constant between kinks, as with ReLUs, but "
                f"joint.activation is {self.joint.activation!r}: use 'relu', or another loss."
            )
        if self.network == "joint" and self.joint.dropout and self.penalty_weight:
            raise ConfigError(
                f"{owner(self)}.joint.dropout is {self.joint.dropout} and the gradient penalty weighs {self.penalty_weight}, but the "
                "penalty would be on the slope of another network than the one that is trained, since it takes the "
                "gradient without dropout. Set joint.dropout=0 (dropout hurts energies), or gradient_penalty.weight=0."
            )

        if self.penalty_weight and not (counts.pooled or self.gradient_penalty.include_positive):
            raise ConfigError(
                f"The gradient penalty weighs {self.penalty_weight} and is to leave out the demonstrations "
                "(gradient_penalty.include_positive=False), but there is no other point for it to be on: anchored "
                "counter-examples and those of a proposal are not among them. Set include_positive=True, or "
                "gradient_penalty.weight=0, or have some of negatives.uniform, negatives.langevin or negatives.dfo."
            )

    @property
    def penalty_weight(self) -> float:
        """Factor of the gradient penalty; where it is not said, 1 with Langevin counter-examples and 0 without."""
        if self.gradient_penalty.weight is not None:
            return self.gradient_penalty.weight
        return float(self.negatives.resolved(self.optimiser).langevin > 0)
