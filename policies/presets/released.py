"""The configurations of the code that was released with Florence et al. 2021.

They act as that code does: the derivative-free optimiser draws one candidate by its weight, and the gradient penalty is
taken at the demonstration, too. docs/presets.md has what differs from the paper, and what is not reproduced.
"""

from __future__ import annotations

from typing import Any, Final

from ..ebm import EBMConfig
from ..losses import GradientPenaltyConfig
from ..mdn import MDNConfig
from ..mse import MSEConfig
from ..negatives import NegativesConfig
from ..networks.factory import JointConfig, LateFusionConfig
from ..optimisers.dfo import DFOConfig
from ..optimisers.langevin import LangevinConfig
from .record import Preset, TrainingHints


def _dfo(samples: int, counter_examples: int = 256, **options: Any) -> EBMConfig:
    return EBMConfig(
        negatives=NegativesConfig(uniform=counter_examples, anchored=0),
        dfo=DFOConfig(samples=samples, keep_best=False, pick="sample", resample_last=True),
        **options,
    )


def _langevin(samples: int, *, second_chain: bool, **options: Any) -> EBMConfig:
    return EBMConfig(
        optimiser="langevin",
        negatives=NegativesConfig(langevin=8, uniform=0, anchored=0),
        gradient_penalty=GradientPenaltyConfig(weight=1.0),
        langevin=LangevinConfig(samples=samples, iterations=100, second_chain=second_chain),
        **options,
    )


def _mse(**options: Any) -> MSEConfig:
    return MSEConfig(
        dropout=0.1, initialisation="normal", action_normalisation="standardise", **options
    )


def _mdn(**options: Any) -> MDNConfig:
    return MDNConfig(components=26, scale_floor=0.0, initialisation="normal", **options)


_JOINT_PUSH: Final[dict[str, Any]] = {
    "network": "joint",
    "joint": JointConfig(width=128, depth=16),
}
_PICTURE: Final[dict[str, Any]] = {"inputs": ("image",), "image_size": (180, 240)}
_PIXELS: Final[dict[str, Any]] = {
    **_PICTURE,
    "late_fusion": LateFusionConfig(
        value="dense_resnet", value_width=1024, value_blocks=1, initialisation="normal"
    ),
}

PUSH_STATES_DFO: Final = Preset(
    policy="ebm",
    config=_dfo(16_384, network="joint", joint=JointConfig(width=128, depth=8)),
    training=TrainingHints(micro_batch=8),
)
"""Pushing by poses, the least energy by sampling."""
PUSH_STATES_DFO_FAST: Final = Preset(
    policy="ebm",
    config=_dfo(16_384, **_JOINT_PUSH),
    training=TrainingHints(steps=50_000, micro_batch=8),
)
"""Pushing by poses, the least energy by sampling, half as long."""
PUSH_STATES_LANGEVIN: Final = Preset(
    policy="ebm",
    config=_langevin(512, second_chain=True, **_JOINT_PUSH),
    training=TrainingHints(),
)
"""Pushing by poses, the least energy by Langevin dynamics."""
PUSH_STATES_MSE: Final = Preset(
    policy="mse",
    config=_mse(width=1024, depth=8),
    training=TrainingHints(learning_rate=5e-4),
)
"""Pushing by poses, the explicit baseline."""
PUSH_STATES_MSE_FAST: Final = Preset(
    policy="mse", config=_mse(width=128, depth=16), training=TrainingHints(steps=50_000)
)
"""Pushing by poses, the explicit baseline, half as long."""
PUSH_STATES_MDN: Final = Preset(
    policy="mdn",
    config=_mdn(width=512, depth=8, dropout=0.1),
    training=TrainingHints(),
)
"""Pushing by poses, the explicit baseline with a mixture."""

PUSH_PIXELS_DFO: Final = Preset(
    policy="ebm",
    config=_dfo(2048, action_normalisation="standardise", **_PIXELS),
    training=TrainingHints(batch_size=128, micro_batch=8),
)
"""Pushing by pictures, the least energy by sampling."""
PUSH_PIXELS_LANGEVIN: Final = Preset(
    policy="ebm",
    config=_langevin(2048, second_chain=True, **_PIXELS),
    training=TrainingHints(batch_size=128),
)
"""Pushing by pictures, the least energy by Langevin dynamics."""
PUSH_PIXELS_MSE: Final = Preset(
    policy="mse",
    config=_mse(width=512, depth=4, **_PICTURE),
    training=TrainingHints(batch_size=128),
)
"""Pushing by pictures, the explicit baseline."""
PUSH_PIXELS_MDN: Final = Preset(
    policy="mdn",
    config=_mdn(
        inputs=("image",),
        image_size=(90, 120),
        width=512,
        depth=8,
        dropout=0.1,
        action_normalisation="min_max",
        training_temperature=2.0,
        acting_temperature=2.0,
        scale_exponent=4.0,
    ),
    training=TrainingHints(batch_size=128),
)
"""Pushing by pictures, the explicit baseline with a mixture."""

PARTICLE_LANGEVIN: Final = Preset(
    policy="ebm",
    config=_langevin(
        512, second_chain=False, network="joint", joint=JointConfig(width=256, depth=2)
    ),
    training=TrainingHints(),
)
"""The particle, the least energy by Langevin dynamics, small."""
PARTICLE_LANGEVIN_BEST: Final = Preset(
    policy="ebm",
    config=_langevin(
        512, second_chain=False, network="joint", joint=JointConfig(width=2048, depth=2)
    ),
    training=TrainingHints(),
)
"""The particle, the least energy by Langevin dynamics, large."""
PARTICLE_DFO: Final = Preset(
    policy="ebm",
    config=_dfo(512, 8, network="joint", joint=JointConfig(trunk="mlp", width=256, depth=2)),
    training=TrainingHints(),
)
"""The particle, the least energy by sampling, as an earlier version of the code has it."""
PARTICLE_MSE: Final = Preset(
    policy="mse", config=_mse(width=256, depth=2), training=TrainingHints(steps=50_000)
)
"""The particle, the explicit baseline, small."""
PARTICLE_MSE_BEST: Final = Preset(
    policy="mse", config=_mse(width=2048, depth=2), training=TrainingHints(steps=50_000)
)
"""The particle, the explicit baseline, large."""

HUMAN_EBM: Final = Preset(
    policy="ebm",
    config=EBMConfig(
        history=1,
        feature_scale="sqrt_std",
        network="joint",
        joint=JointConfig(width=512, depth=8, dense="spectral_norm"),
        optimiser="langevin",
        negatives=NegativesConfig(langevin=8, uniform=0, anchored=0),
        gradient_penalty=GradientPenaltyConfig(weight=1.0),
        langevin=LangevinConfig(
            samples=512,
            iterations=100,
            step_initial=0.5,
            delta_clip=0.5,
            noise=0.5,
            inference_noise=1.0,
            second_chain=True,
            second_step_initial=1e-5,
            second_step_final=1e-5,
            second_noise=0.5,
        ),
    ),
    training=TrainingHints(learning_rate=5e-4),
)
"""Human demonstrations (D4RL)."""
HUMAN_MSE: Final = Preset(
    policy="mse",
    config=_mse(history=1, width=2048, depth=8),
    training=TrainingHints(decay_steps=200),
)
"""Human demonstrations (D4RL), the explicit baseline."""
HUMAN_MDN: Final = Preset(
    policy="mdn",
    config=_mdn(
        history=1,
        width=128,
        depth=2,
        dropout=0.0,
        training_temperature=2.5,
        acting_temperature=2.5,
    ),
    training=TrainingHints(learning_rate=1e-4),
)
"""Human demonstrations (D4RL), the explicit baseline with a mixture."""
