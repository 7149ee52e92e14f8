"""How a particle moves: a spring and a damper to the set-point, integrated by explicit Euler.

The only place where it is written; one particle and thousands move by the same bits. Florence et al. 2021, §C.5.
"""

from __future__ import annotations

from ibc_gym.records import Float64

STIFFNESS = 10.0
"""k_p [1/s²], of a unit mass."""
DAMPING = 5.0
"""k_v [1/s]."""
SUBSTEP = 0.005
"""200 Hz [s]."""
SUBSTEPS = 10
"""Sub-steps in a control period."""


def advance(
    position: Float64,
    velocity: Float64,
    set_point: Float64,
    *,
    mass: float = 1.0,
    friction: float = 1.0,
) -> tuple[Float64, Float64]:
    """Position and velocity one control period later, of any shape.

    Each operation is element by element, so a row's result does not depend on the rows beside it. `mass` and `friction`
    are those of a varied world, as multiples of the published point's mass and damper.
    """
    stiffness, damping = STIFFNESS / mass, DAMPING * friction / mass
    for _ in range(SUBSTEPS):
        acceleration = stiffness * (set_point - position) - damping * velocity
        position = position + velocity * SUBSTEP  # by the old velocity: explicit Euler
        velocity = velocity + acceleration * SUBSTEP
    return position, velocity
