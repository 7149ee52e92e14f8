"""Fast configurations that say several actions at once: the implicit policy beside Diffusion Policy and flow matching.

All look at the same features, through encoders of the same size, and carry out the first half of what they say.
"""

from __future__ import annotations

from typing import Any, Final

from ..diffusion import DiffusionConfig
from ..ebm import EBMConfig
from ..flow_matching import FlowMatchingConfig
from ..negatives import NegativesConfig
from ..networks.factory import LateFusionConfig
from ..optimisers.dfo import DFOConfig
from ..proposal import ProposalConfig
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
