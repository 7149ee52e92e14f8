from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ibc_gym.envs.simulators import particle_dynamics as dynamics
from ibc_gym.envs.tasks.particle import CONTROL_PERIOD, POSITION_HIGH, POSITION_LOW, SPEED_LIMIT

unit_cubes = arrays.arrays(np.float64, (7, 3), elements=st.floats(0, 1))


def test_constants_are_the_published_ones() -> None:
    assert (dynamics.STIFFNESS, dynamics.DAMPING) == (10.0, 5.0)
    assert (dynamics.SUBSTEP, dynamics.SUBSTEPS) == (0.005, 10)
    assert dynamics.SUBSTEP * dynamics.SUBSTEPS == CONTROL_PERIOD


def test_first_substep_moves_by_the_old_velocity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamics, "SUBSTEPS", 1)
    position, velocity = dynamics.advance(np.array([0.2]), np.array([0.4]), np.array([1.0]))
    assert position[0] == pytest.approx(0.2 + 0.4 * 0.005, abs=1e-15)
    assert velocity[0] == pytest.approx(0.4 + (10 * 0.8 - 5 * 0.4) * 0.005, abs=1e-15)


def test_one_period_agrees_with_the_matrix_power() -> None:
    dt, k_p, k_v = 0.005, 10.0, 5.0
    step = np.array([[1, dt, 0], [-k_p * dt, 1 - k_v * dt, k_p * dt], [0, 0, 1]])
    expected = np.linalg.matrix_power(step, 10) @ [0.3, -0.1, 0.9]
    position, velocity = dynamics.advance(np.array(0.3), np.array(-0.1), np.array(0.9))
    assert [position, velocity] == pytest.approx(expected[:2], abs=1e-14)


@given(unit_cubes, unit_cubes, unit_cubes)
def test_each_row_moves_as_it_would_alone(
    position: np.ndarray, velocity: np.ndarray, set_point: np.ndarray
) -> None:
    together = dynamics.advance(position, velocity, set_point)
    for row in range(len(position)):
        alone = dynamics.advance(position[row], velocity[row], set_point[row])
        assert alone[0].tobytes() == together[0][row].tobytes()
        assert alone[1].tobytes() == together[1][row].tobytes()


def worst_case(component: int) -> float:
    """The sum of |impulse response|: how far the worst set-points in [-1, 1] can drive one component.

    A start at rest is a past in which the set-point was the start, so it adds nothing.
    """
    state, total = np.array(dynamics.advance(np.array(0.0), np.array(0.0), np.array(1.0))), 0.0
    for _ in range(400):
        total += abs(state[component])
        state = np.array(dynamics.advance(state[0], state[1], np.array(0.0)))
    return total


def test_no_sequence_of_set_points_can_leave_the_observation_space() -> None:
    overshoot = 0.5 * worst_case(0) - 0.5
    assert 0.01 < overshoot < 0.05
    assert -overshoot >= POSITION_LOW
    assert 1 + overshoot <= POSITION_HIGH
    assert 0.5 * worst_case(1) < SPEED_LIMIT
