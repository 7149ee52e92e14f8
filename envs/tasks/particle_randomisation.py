"""Domain randomisation of the particle: another mass and damper, a picture of other colours, noise and delay.

It has no camera, lamp or table to vary. How it moves may differ only so far that it stays within the published space of
its positions, which it leaves when it is heavy and little damped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from ibc_gym.records import Variation

from ..randomisation import SensingRandomisation, colours, factors, streams_of

POINT: Final = "point"
DRAWN: Final = ("paper", POINT, "set_point", "first_goal", "second_goal")
"""What a picture is made of, each with a colour of its own."""
_STREAMS: Final = ("colour", "size", "friction", "mass", "sensing")
"""Every group has a stream of its own: switching one on leaves the draws of the others alone."""


@dataclass(frozen=True, kw_only=True)
class ParticleRandomisation(SensingRandomisation):
    """How far the particle's world may be from its description. All zero: it is as described."""

    colours: float = 0.0
    """How far the picture's colours go towards random ones: 0 not at all, 1 all the way. Up to 0.3, green stays green."""
    size: float = 0.0
    """Greatest change of the size of the marks in the picture, as a share. A goal's disc stays as large as it is."""
    friction: float = 0.0
    """The damper is multiplied or divided by up to 1 plus this."""
    mass: float = 0.0
    """The point's mass is multiplied or divided by up to 1 plus this."""

    most: ClassVar[Mapping[str, float]] = {
        "colours": 1.0,
        "size": 0.5,
        "friction": 0.05,
        "mass": 0.1,
    }

    def draw(self, rng: np.random.Generator) -> Variation:
        """One world, as numbers by name; empty, and nothing is drawn, where all is zero."""
        if not self.on:
            return {}
        streams = streams_of(rng, _STREAMS)
        drawn = colours(DRAWN, self.colours, streams["colour"])
        if self.size:
            drawn["size.marks"] = 1 + self.size * float(streams["size"].uniform(-1, 1))
        drawn |= factors("friction", [POINT], self.friction, streams["friction"])
        drawn |= factors("mass", [POINT], self.mass, streams["mass"])
        return drawn | self.sensing(streams["sensing"])
