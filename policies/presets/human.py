"""Fast configurations for the human demonstrations of D4RL: a hand that opens a door and relocates a ball, a kitchen.

The explicit policies beside them have the same inputs and lead, encoders of a similar size, and about the same time of a processor.
"""

from __future__ import annotations

from typing import Any, Final

from ..ebm import EBMConfig
from ..losses import GradientPenaltyConfig
from ..mdn import MDNConfig
from ..mse import MSEConfig
from ..networks.factory import LateFusionConfig
from ..optimisers.langevin import LangevinConfig
from .record import Preset, TrainingHints

# Among so few people even a tenth is missed, and their hesitations make the held-out error say little.
_TRAINING: Final[dict[str, Any]] = {
    "batch_size": 128,
    "learning_rate": 2e-3,
    "schedule": "cosine",
    "warmup": 100,
    "validation_fraction": 0.0,
}
_IMPLICIT: Final[dict[str, Any]] = {**_TRAINING, "average_decay": 0.99}
_EXPLICIT: Final[dict[str, Any]] = {**_TRAINING, "average_decay": 0.998}
_SEEN: Final[dict[str, Any]] = {"history": 1, "observation_noise": 0.05}
# The hand is told where to go: what people said four steps later takes it there in two thirds of their time, what they
# said ten steps later off their way.
_HAND: Final[dict[str, Any]] = {**_SEEN, "lead": 4}
_LANGEVIN: Final[dict[str, Any]] = {
    "late_fusion": LateFusionConfig(value_width=128),
    "gradient_penalty": GradientPenaltyConfig(margin=3.0),
    "optimiser": "langevin",  # among 28 dimensions nothing is found by sampling alone
    "langevin": LangevinConfig(
        samples=32,
        iterations=20,
        step_initial=0.5,
        delta_clip=0.5,
        noise=0.5,
        inference_noise=0.5,
    ),
}
_MIXTURE: Final[dict[str, Any]] = {
    "components": 4,
    "scale_floor": 0.5,  # a narrower one learns the few people by heart
    "mean_spread": 0.3,
    "pick": "most_probable",
}

DOOR: Final = Preset(
    policy="ebm",
    config=EBMConfig(**_LANGEVIN, **_HAND),
    training=TrainingHints(steps=1_000, **_IMPLICIT),  # after 8,000 it has learned them by heart
)
"""The Adroit hand's door, human demonstrations."""
DOOR_MDN: Final = Preset(
    policy="mdn",
    config=MDNConfig(**_MIXTURE, **_HAND),
    training=TrainingHints(steps=6_000, **_EXPLICIT),
)
"""The same, the explicit baseline with a mixture."""
DOOR_MSE: Final = Preset(
    policy="mse", config=MSEConfig(**_HAND), training=TrainingHints(steps=8_000, **_EXPLICIT)
)
"""The same, the explicit baseline."""
RELOCATE: Final = Preset(
    policy="ebm",
    config=EBMConfig(**_LANGEVIN, **_HAND),
    training=TrainingHints(steps=800, **_IMPLICIT),
)
"""The Adroit hand relocates a ball, human demonstrations."""
RELOCATE_MDN: Final = Preset(
    policy="mdn",
    config=MDNConfig(**_MIXTURE, **_HAND),
    training=TrainingHints(steps=6_000, **_EXPLICIT),
)
"""The same, the explicit baseline with a mixture."""
RELOCATE_MSE: Final = Preset(
    policy="mse", config=MSEConfig(**_HAND), training=TrainingHints(steps=8_000, **_EXPLICIT)
)
"""The same, the explicit baseline."""

KITCHEN: Final = Preset(
    policy="ebm",
    config=EBMConfig(**_LANGEVIN, **_SEEN),
    training=TrainingHints(steps=1_200, **_IMPLICIT),
)
"""Four things to do in a kitchen, human demonstrations, whose velocities no lead makes faster."""
KITCHEN_MDN: Final = Preset(
    policy="mdn",
    config=MDNConfig(**_MIXTURE, **_SEEN),
    training=TrainingHints(steps=6_000, **_EXPLICIT),
)
"""The same, the explicit baseline with a mixture."""
KITCHEN_MSE: Final = Preset(
    policy="mse", config=MSEConfig(**_SEEN), training=TrainingHints(steps=8_000, **_EXPLICIT)
)
"""The same, the explicit baseline."""
