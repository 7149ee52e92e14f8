"""Where the square is: pictures, places and errors are what they are said to be."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.coordinates import CONFIGS, HALF, JUDGED, SIDE, answers, errors, picture, places


def test_the_square_is_green_about_its_place() -> None:
    found = picture(np.array([10, 50]))
    green = (found == (0, 255, 0)).all(axis=2)
    rows, columns = np.nonzero(green)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (47, 53, 7, 13)
    assert green.sum() == 49 and (found[~green] == 255).all()


def test_what_is_judged_is_nowhere_that_was_learned() -> None:
    learned, judged = places(30, np.random.default_rng(0))
    assert len(learned) == 30 and len(judged) == JUDGED
    assert len({tuple(place) for place in [*learned, *judged]}) == 30 + JUDGED
    both = np.concatenate([learned, judged])
    assert both.min() >= HALF and both.max() <= SIDE - 1 - HALF


def test_errors_within_the_hull_and_beyond_are_told_apart() -> None:
    learned = np.array([[10, 10], [10, 50], [50, 10], [50, 50]])
    judged = np.array([[20, 20], [30, 40], [80, 80], [5, 60]])
    said = judged + np.array([[0, 0], [3, 4], [0, 1], [6, 8]])
    found = errors(said.astype(np.float32), judged, learned)
    assert found["share_within_hull"] == 0.5
    assert found["within_median_px"] == 2.5 and found["within_to_a_pixel"] == 0.5
    assert found["beyond_rms_px"] == pytest.approx(np.sqrt((1 + 100) / 2))


@pytest.mark.slow
@pytest.mark.parametrize("kind", CONFIGS)
def test_every_kind_finds_the_squares_that_it_learned(kind: str) -> None:
    learned, _ = places(10, np.random.default_rng(0))
    said = answers(kind, learned, learned, seed=0, seconds=6.0)
    assert np.linalg.norm(said - learned, axis=1).mean() < 5
