"""The task with two toys and two fixtures: what is drawn and seen, and that either toy counts in either fixture."""

from __future__ import annotations

from itertools import permutations
from math import hypot

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabletop_toys import table

from ibc_gym.envs.tasks.push_red_green import POCKETS, PushRedGreen, PushRedGreenConfig
from ibc_gym.records import Progress

TASK = PushRedGreen()
NEAR, FAR = POCKETS[0].centre, POCKETS[1].centre
AWAY, ELSEWHERE = (0.35, -0.1), (0.45, 0.0)


def seen(
    red: tuple[float, float], green: tuple[float, float], task: PushRedGreen = TASK
) -> Progress:
    return task.measure(table(red=red, green=green), None)


@given(st.integers(0, 2**32 - 1))
def test_toys_begin_apart_and_before_the_fixtures(seed: int) -> None:
    start = TASK.sample(np.random.default_rng(seed)).layout
    assert set(start) == {"red", "green"}
    (x0, y0, z0), (x1, y1, z1) = (start[toy].position for toy in ("red", "green"))
    assert hypot(x0 - x1, y0 - y1) > 0.09
    for x, y in ((x0, y0), (x1, y1)):
        assert abs(x - 0.375) <= 0.12 and abs(y + 0.06) <= 0.10
    assert z0 == z1 == pytest.approx(0.0381 / 2)


def test_state_is_the_commanded_tip_and_both_poses() -> None:
    names = TASK.feature_names["state"]
    assert len(names) == TASK.feature_spaces["state"].shape[0] == 8
    assert "effector_target_translation_x" in names and "effector_translation_x" not in names
    state = TASK.features(table(tip=(0.2, 0.1), red=(0.3, 0.0, 1.0), green=(0.4, -0.1, -2.0)))[
        "state"
    ]
    assert dict(zip(names, state.tolist(), strict=True)) == pytest.approx(
        {
            "effector_target_translation_x": 0.2,
            "effector_target_translation_y": 0.1,
            "green_orientation": -2.0,
            "green_translation_x": 0.4,
            "green_translation_y": -0.1,
            "red_orientation": 1.0,
            "red_translation_x": 0.3,
            "red_translation_y": 0.0,
        },
        abs=1e-6,
    )


@pytest.mark.parametrize(
    "red, green, inside",
    [
        (AWAY, ELSEWHERE, 0),
        (NEAR, ELSEWHERE, 1),
        (AWAY, FAR, 1),
        (NEAR, FAR, 2),
        (FAR, NEAR, 2),
        (NEAR, (NEAR[0], NEAR[1] + 0.02), 1),  # both in one fixture
    ],
)
def test_success_is_a_toy_in_each_fixture(
    red: tuple[float, float], green: tuple[float, float], inside: int
) -> None:
    progress = seen(red, green)
    assert progress["toys_in"] == inside
    assert TASK.success(progress) is TASK.terminated(progress) is (inside == 2)
    assert TASK.reward(progress) == float(inside == 2)


@pytest.mark.parametrize("tolerance", [0.005, 0.01, 0.03])
def test_toy_counts_up_to_the_tolerance_short_of_the_middle(tolerance: float) -> None:
    task = PushRedGreen(PushRedGreenConfig(goal_tolerance=tolerance))
    for share, done in ((0.99, True), (1.01, False)):
        assert task.success(seen(NEAR, (FAR[0], FAR[1] - share * tolerance), task)) is done


@given(st.lists(st.floats(-0.5, 0.5), min_size=4, max_size=4))
def test_colours_do_not_matter(numbers: list[float]) -> None:
    places = [(numbers[0], numbers[1]), (numbers[2], numbers[3])]
    judged = {tuple(seen(red, green).values()) for red, green in permutations(places)}
    assert len({(round(distance, 9), inside) for distance, inside in judged}) == 1


def test_a_success_is_undone_when_a_toy_is_taken_out() -> None:
    there = seen(NEAR, FAR)
    gone = TASK.measure(table(red=AWAY, green=FAR), there)
    assert TASK.success(there) and not TASK.success(gone)
