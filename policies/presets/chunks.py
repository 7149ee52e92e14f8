"""Fast configurations that say several actions at once, and carry out the first half of them before they look again.

Policies of one task look at the same features, through encoders of the same size.
"""

from __future__ import annotations

from typing import Any, Final

from ..diffusion import DiffusionConfig
from ..ebm import EBMConfig
from ..flow_matching import FlowMatchingConfig
from ..mdn import MDNConfig
from ..mse import MSEConfig
from ..negatives import NegativesConfig
from ..networks.factory import LateFusionConfig
from ..optimisers.dfo import DFOConfig
from ..proposal import ProposalConfig
from ..ranking import RankingConfig
from .record import Preset, TrainingHints

_CHUNKS: Final[dict[str, Any]] = {
    "frame": "push",
    "mirror": True,
    "action_normalisation": "isotropic",
    "horizon": 8,
    "execute": 4,
}
_TRAINING: Final[dict[str, Any]] = {
    "batch_size": 256,
    "learning_rate": 1e-3,
    "schedule": "cosine",
    "warmup": 100,
    "average_decay": 0.998,
}

PUSH_CHUNKED: Final = Preset(
    policy="ebm",
    config=EBMConfig(
        late_fusion=LateFusionConfig(value_width=128),
        # A box of 16 dimensions cannot be filled: the search begins at draws of a density, and stays near them.
        proposal=ProposalConfig(starts=True),
        negatives=NegativesConfig(uniform=8, anchored=8, proposal=16),
        dfo=DFOConfig(samples=256, sigma=0.03),
        **_CHUNKS,
    ),
    training=TrainingHints(steps=2_000, **_TRAINING),
)
"""Pushing in its canonical frame, eight actions at once."""
PUSH_DIFFUSION: Final = Preset(
    policy="diffusion",
    config=DiffusionConfig(**_CHUNKS),
    training=TrainingHints(steps=3_000, **_TRAINING),
)
"""The same by Diffusion Policy."""
PUSH_FLOW: Final = Preset(
    policy="flow",
    config=FlowMatchingConfig(**_CHUNKS),
    training=TrainingHints(steps=3_000, **_TRAINING),
)
"""The same by flow matching."""

# What a person does next is in doubt, where the next second leads is not: with chunks of sixteen a raw pose scores 0.95
# where one action at a time scores 0.83. In doubt the best answer of a moment stands still: 0.88, drawn 0.93; with eight
# candidates instead of four and half of the noise on what is seen 0.95, without noise 0.91 (50 episodes of one training seed each).
_HUMAN_CHUNKS: Final[dict[str, Any]] = {
    "observation_noise": 0.01,
    "action_normalisation": "standardise",
    "horizon": 16,
    "execute": 8,
}
_SIZE: Final[dict[str, Any]] = {"width": 512, "depth": 2}
_ANSWERS: Final[dict[str, Any]] = {
    "components": 8,
    "scale_floor": 0.3,
    "mean_spread": 0.3,
    "pick": "sample",
}
_HUMAN_TRAINING: Final[dict[str, Any]] = {
    **_TRAINING,
    "learning_rate": 2e-3,
    "average_decay": 0.999,
    "weight_decay": 0.1,
    "validation_fraction": 0.0,
}

PUSHT_CHUNKED: Final = Preset(
    policy="ranking",
    config=RankingConfig(
        late_fusion=LateFusionConfig(value_width=128, **_SIZE),
        prior=1.0,
        same=0.01,
        jitter=0.05,
        **_ANSWERS,
        **_HUMAN_CHUNKS,
    ),
    training=TrainingHints(steps=6_000, **_HUMAN_TRAINING),
)
"""Push-T by raw poses, human demonstrations, sixteen actions at once: candidates of a mixture drawn by an energy."""
PUSHT_CHUNKED_MDN: Final = Preset(
    policy="mdn",
    config=MDNConfig(scale_exponent=4.0, dropout=0.0, **_SIZE, **_ANSWERS, **_HUMAN_CHUNKS),
    training=TrainingHints(steps=6_000, **_HUMAN_TRAINING),
)
"""The same, the explicit baseline with a mixture."""
PUSHT_CHUNKED_MSE: Final = Preset(
    policy="mse",
    config=MSEConfig(dropout=0.0, **_SIZE, **_HUMAN_CHUNKS),
    training=TrainingHints(steps=18_000, **_HUMAN_TRAINING),
)
"""The same, the explicit baseline with one answer."""
# Four noisy chunks per demonstrated one, or half of the units, score less in the same time (0.77 and 0.84), and so do sixteen steps
# of denoising in place of fifty (0.83 and 0.89; 100 episodes of one training seed each).
PUSHT_DIFFUSION: Final = Preset(
    policy="diffusion",
    config=DiffusionConfig(denoising_steps=50, **_SIZE, **_HUMAN_CHUNKS),
    training=TrainingHints(steps=7_500, **_HUMAN_TRAINING),
)
"""The same by Diffusion Policy."""
PUSHT_FLOW: Final = Preset(
    policy="flow",
    config=FlowMatchingConfig(**_SIZE, **_HUMAN_CHUNKS),
    training=TrainingHints(steps=7_500, **_HUMAN_TRAINING),
)
"""The same by flow matching."""
