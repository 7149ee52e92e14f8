"""The configurations that Florence et al. 2021 give in their appendix, one for each result of the paper.

They act as the paper says: by the least energetic candidate, with the gradient penalty at counter-examples alone.
docs/presets.md has what differs from the released code, and what the paper leaves open.
"""

from __future__ import annotations

from typing import Any, Final

from ..autoregressive import AutoregressiveConfig
from ..ebm import EBMConfig
from ..losses import GradientPenaltyConfig
from ..mdn import MDNConfig
from ..mse import MSEConfig
from ..negatives import NegativesConfig
from ..networks.factory import JointConfig, LateFusionConfig
from ..networks.pictures import ConvResNetConfig
from ..optimisers.autoregressive import AutoregressiveDFOConfig
from ..optimisers.dfo import DFOConfig
from ..optimisers.langevin import LangevinConfig
from .record import Preset, TrainingHints


def _dfo(samples: int, **options: Any) -> EBMConfig:
    return EBMConfig(
        action_normalisation="standardise",
        negatives=NegativesConfig(uniform=256, anchored=0),
        dfo=DFOConfig(samples=samples, keep_best=False),
        **options,
    )


def _langevin(counter_examples: int, langevin: LangevinConfig, **options: Any) -> EBMConfig:
    return EBMConfig(
        network="joint",
        optimiser="langevin",
        negatives=NegativesConfig(langevin=counter_examples, uniform=0, anchored=0),
        gradient_penalty=GradientPenaltyConfig(weight=1.0, include_positive=False),
        langevin=langevin,
        **options,
    )


def _mse(**options: Any) -> MSEConfig:
    return MSEConfig(dropout=0.1, initialisation="normal", **options)


def _mdn(**options: Any) -> MDNConfig:
    return MDNConfig(
        components=26, scale_floor=0.0, dropout=0.1, initialisation="normal", **options
    )


def _pixels(value_width: int) -> LateFusionConfig:
    return LateFusionConfig(
        feature_encoder="none",
        value="dense_resnet",
        value_width=value_width,
        value_blocks=1,
        initialisation="normal",
    )


PUSH_STATES_DFO: Final = Preset(
    policy="ebm",
    config=_dfo(16_384, network="joint", joint=JointConfig(width=128, depth=8)),
    training=TrainingHints(micro_batch=8),
)
"""Pushing by poses, to one target or two, the least energy by sampling."""
PUSH_STATES_MSE: Final = Preset(
    policy="mse", config=_mse(width=1024, depth=8), training=TrainingHints(learning_rate=5e-4)
)
"""Pushing by poses, the explicit baseline."""
PUSH_STATES_MDN: Final = Preset(
    policy="mdn", config=_mdn(width=512, depth=8), training=TrainingHints()
)
"""Pushing by poses, the explicit baseline with a mixture."""

PUSH_PIXELS_DFO: Final = Preset(
    policy="ebm",
    config=_dfo(4096, inputs=("image",), image_size=(180, 240), late_fusion=_pixels(1024)),
    training=TrainingHints(batch_size=128, micro_batch=8),
)
"""Pushing by pictures, the least energy by sampling."""
PUSH_PIXELS_MSE: Final = Preset(
    policy="mse",
    config=_mse(inputs=("image",), image_size=(180, 240), width=512, depth=4),
    training=TrainingHints(batch_size=64),
)
"""Pushing by pictures, the explicit baseline."""
PUSH_PIXELS_MDN: Final = Preset(
    policy="mdn",
    config=_mdn(
        inputs=("image",),
        image_size=(90, 120),
        width=512,
        depth=8,
        action_normalisation="min_max",
        training_temperature=2.0,
        acting_temperature=2.0,
        scale_exponent=4.0,
    ),
    training=TrainingHints(batch_size=32),
)
"""Pushing by pictures, the explicit baseline with a mixture."""

PARTICLE_LANGEVIN: Final = Preset(
    policy="ebm",
    config=_langevin(
        64,
        LangevinConfig(samples=512, iterations=50),
        joint=JointConfig(width=128, depth=16, dense="spectral_norm"),
    ),
    training=TrainingHints(steps=50_000, batch_size=128),
)
"""The particle, the least energy by Langevin dynamics."""
PARTICLE_MSE: Final = Preset(
    policy="mse", config=_mse(width=128, depth=16), training=TrainingHints(decay_steps=200)
)
"""The particle, the explicit baseline."""

HUMAN_EBM: Final = Preset(
    policy="ebm",
    config=_langevin(
        8,
        LangevinConfig(
            samples=512,
            iterations=100,
            step_initial=0.5,
            delta_clip=0.5,
            noise=0.5,
            inference_noise=0.5,
            second_chain=True,
            second_step_initial=1e-5,
            second_step_final=1e-5,
            second_noise=0.5,
        ),
        history=1,
        joint=JointConfig(width=512, depth=8, dense="spectral_norm"),
    ),
    training=TrainingHints(learning_rate=5e-4),
)
"""Human demonstrations (D4RL)."""
HUMAN_MSE: Final = Preset(
    policy="mse",
    config=_mse(history=2, width=2048, depth=8),
    training=TrainingHints(decay_steps=200),
)
"""Human demonstrations (D4RL), the explicit baseline."""


def _sweeping(*inputs: str) -> AutoregressiveConfig:
    return AutoregressiveConfig(
        inputs=inputs,
        image_size=(96, 96),
        action_normalisation="standardise",
        counter_examples=1024,
        late_fusion=LateFusionConfig(
            picture_encoder="conv_resnet",
            conv_resnet=ConvResNetConfig(filters=64, heads=64),
            feature_encoder="none",
            value="dense_resnet",
            value_width=512,
            value_blocks=6,
            initialisation="normal",
        ),
        autoregressive=AutoregressiveDFOConfig(samples=1024, validation_samples=1024),
    )


def _sweeping_mse(*inputs: str) -> MSEConfig:
    return MSEConfig(
        inputs=inputs,
        image_size=(96, 96),
        picture_encoder="conv_resnet",
        conv_resnet=ConvResNetConfig(filters=64, heads=64, pooling="average"),
        trunk="dense_resnet",
        width=512,
        depth=6,
        dropout=0.1,
        initialisation="normal",
    )


PLANAR_SWEEPING: Final = Preset(
    policy="autoregressive",
    config=_sweeping("image"),
    training=TrainingHints(steps=1_000_000, batch_size=64, learning_rate=1e-4),
)
"""Sweeping by pictures, an energy for each dimension."""
PLANAR_SWEEPING_MSE: Final = Preset(
    policy="mse",
    config=_sweeping_mse("image"),
    training=TrainingHints(steps=1_000_000, batch_size=64, learning_rate=1e-4),
)
"""Sweeping by pictures, the explicit baseline."""
BIMANUAL_SWEEPING: Final = Preset(
    policy="autoregressive",
    config=_sweeping("image", "robot"),
    training=TrainingHints(steps=1_000_000, batch_size=32, learning_rate=1e-4),
)
"""Sweeping with two arms by pictures and their poses, an energy for each dimension."""
BIMANUAL_SWEEPING_MSE: Final = Preset(
    policy="mse",
    config=_sweeping_mse("image", "robot"),
    training=TrainingHints(steps=1_000_000, batch_size=32, learning_rate=1e-4),
)
"""Sweeping with two arms by pictures and their poses, the explicit baseline."""

_REAL: Final[dict[str, Any]] = {"inputs": ("image",), "image_size": (90, 120)}

REAL_PUSH: Final = Preset(
    policy="ebm",
    config=_dfo(1024, late_fusion=_pixels(1024), **_REAL),
    training=TrainingHints(batch_size=128),
)
"""The real arm, red then green."""
REAL_PUSH_MSE: Final = Preset(
    policy="mse", config=_mse(width=512, depth=4, **_REAL), training=TrainingHints(batch_size=128)
)
"""The real arm, red then green, the explicit baseline."""
REAL_PUSH_MULTIMODAL: Final = Preset(
    policy="ebm",
    config=_dfo(1024, late_fusion=_pixels(1024), **_REAL),
    training=TrainingHints(batch_size=256),
)
"""The real arm, red and green in any way."""
REAL_PUSH_MULTIMODAL_MSE: Final = Preset(
    policy="mse", config=_mse(width=1024, depth=4, **_REAL), training=TrainingHints(batch_size=128)
)
"""The real arm, red and green in any way, the explicit baseline."""
REAL_INSERT: Final = Preset(
    policy="ebm",
    config=_dfo(2048, late_fusion=_pixels(2048), **_REAL),
    training=TrainingHints(batch_size=256),
)
"""The real arm, insertion."""
REAL_INSERT_MSE: Final = Preset(
    policy="mse", config=_mse(width=1024, depth=4, **_REAL), training=TrainingHints(batch_size=128)
)
"""The real arm, insertion, the explicit baseline."""
REAL_SORT: Final = Preset(
    policy="ebm",
    config=_dfo(2048, late_fusion=_pixels(1024), **_REAL),
    training=TrainingHints(batch_size=256),
)
"""The real arm, sorting."""
REAL_SORT_MSE: Final = Preset(
    policy="mse", config=_mse(width=1024, depth=4, **_REAL), training=TrainingHints(batch_size=128)
)
"""The real arm, sorting, the explicit baseline."""
