"""Normalisers invert, survive JSON, and refuse what would poison a network."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ibc_gym.errors import SpecMismatch
from ibc_gym.normalise import Normaliser, identity, min_max, standardise

DATA = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=8),
    elements=st.floats(-100, 100, width=32),
)


@given(data=DATA, fit=st.sampled_from([standardise, min_max]))
@example(data=np.array([[0], [1e-45]], np.float32), fit=standardise)
@example(data=np.array([[0], [1e-38]], np.float32), fit=min_max)
def test_inversion_gives_the_data_back(data: np.ndarray, fit: object) -> None:
    normaliser = fit(data)  # type: ignore[operator]
    np.testing.assert_allclose(
        normaliser.invert(normaliser.apply(data)), data, rtol=1e-4, atol=2e-3
    )


@given(data=DATA, knee=st.floats(1e-3, 10))
@example(data=np.array([[1e-45], [0]], np.float32), knee=2.0)
def test_a_knee_keeps_zero_one_order_and_sign(data: np.ndarray, knee: float) -> None:
    data = np.where(
        np.abs(data) < 1e-30, np.float32(0), data
    )  # single precision loses their tenths
    straight, bent = min_max(data), replace(min_max(data), knee=knee)
    plain, seen = straight.apply(data), bent.apply(data)
    np.testing.assert_allclose(np.abs(seen[np.abs(plain) == 1]), 1, rtol=1e-5)
    assert (np.abs(seen) >= np.abs(plain) * (1 - 1e-5)).all(), "small ones are seen larger"
    assert (np.sign(seen) == np.sign(plain)).all()
    np.testing.assert_allclose(bent.invert(seen), data, rtol=1e-3, atol=2e-3)


def test_small_values_keep_their_proportions_under_a_knee() -> None:
    bent = replace(identity(1), knee=0.02)
    small = np.array([[1e-4], [2e-4], [4e-4]], np.float32)
    seen = bent.apply(small)[:, 0]
    np.testing.assert_allclose(seen / seen[0], [1, 2, 4], rtol=1e-3)
    assert seen[0] > 10 * small[0, 0]


def test_nothing_overflows_far_beyond_the_data() -> None:
    far = replace(identity(1), knee=1e-3).invert(np.array([[1e30], [-1e30]], np.float32))
    assert np.isfinite(far).all()
    assert far[0] > 1e20


@given(data=DATA)
def test_min_max_maps_the_range_to_plus_minus_one(data: np.ndarray) -> None:
    assert np.abs(min_max(data).apply(data)).max() <= 1 + 1e-3


@given(data=DATA.filter(lambda data: data.shape[-1] > 1))
def test_data_and_their_mirror_image_are_scaled_alike(data: np.ndarray) -> None:
    """Of what comes as often with the other sign: what would be fitted if all of it were there."""
    mirrored = data.copy()
    mirrored[..., 1] *= -1
    there, whole = standardise(data, about_zero=(1,)), standardise(np.stack([data, mirrored]))
    assert there.offset[1] == 0
    np.testing.assert_allclose(there.offset, whole.offset, atol=1e-5)
    np.testing.assert_allclose(there.scale, whole.scale, rtol=1e-5)


def test_dimension_is_constant_beside_coarser_ones_and_not_because_its_unit_is_small() -> None:
    jitter = np.array([[-1.0, 0.0, -4e-5], [1.0, 0.0, 4e-5]])
    np.testing.assert_allclose(min_max(jitter).scale, [1.0, 1.0, 1.0])
    np.testing.assert_allclose(min_max(jitter[:, 1:]).scale, [1.0, 4e-5])


def test_features_of_a_small_unit_are_seen_as_they_are_in_a_large_one() -> None:
    """Forces in meganewtons, distances in light years."""
    data = np.random.default_rng(0).normal(size=(50, 3)) * [1, 0.3, 0.01]
    small = (data * 1e-7).astype(np.float32)
    seen = standardise(small).apply(small)
    np.testing.assert_allclose(seen.std(axis=0), 1, rtol=1e-3)
    np.testing.assert_allclose(seen, standardise(data).apply(data.astype(np.float32)), atol=1e-3)


def test_what_stands_still_is_not_magnified_however_it_is_rounded() -> None:
    still = np.full((7, 2), 0.3) + 1e-9 * np.arange(14).reshape(7, 2)
    np.testing.assert_array_equal(standardise(still).scale, np.array([1e-4, 1e-4], np.float32))
    np.testing.assert_array_equal(
        standardise(np.zeros((3, 2))).scale, np.array([1e-4, 1e-4], np.float32)
    )


def test_what_varies_little_for_its_size_is_told_apart() -> None:
    """Air pressure, in pascals."""
    pressure = (101_325 + np.random.default_rng(0).uniform(-0.1, 0.1, (50, 1))).astype(np.float32)
    for fit in (standardise, min_max):
        assert fit(pressure).apply(pressure).std() > 0.5


def test_what_stands_still_beside_what_is_small_does_not_explode_when_it_changes() -> None:
    rng = np.random.default_rng(0)
    beside = np.concatenate([rng.normal(size=(50, 2)) * 1e-3, np.full((50, 1), 0.3)], axis=1)
    beside[:, 1] *= 1e-6  # a sensor that rounds
    np.testing.assert_allclose(standardise(beside).scale[1:], 1e-4)
    assert standardise(beside).scale[0] == pytest.approx(1e-3, rel=0.3)


def test_what_is_small_is_told_apart_beside_what_is_large_and_stands_still() -> None:
    beside = np.array([[1.0, -1e-7], [1.0, 1e-7]])
    np.testing.assert_allclose(standardise(beside).scale, [1e-4, 1e-7])
    np.testing.assert_allclose(min_max(beside).scale, [1.0, 1e-7])


@given(data=DATA, fit=st.sampled_from([standardise, min_max]))
def test_json_gives_the_same_numbers_back(data: np.ndarray, fit: object) -> None:
    normaliser = fit(data)  # type: ignore[operator]
    read = Normaliser.from_json(json.loads(json.dumps(normaliser.to_json())))
    bent = replace(normaliser, knee=0.1)
    assert Normaliser.from_json(json.loads(json.dumps(bent.to_json()))).knee == 0.1
    assert read.knee is None
    assert (read.offset == normaliser.offset).all()
    assert (read.scale == normaliser.scale).all()


def test_standardised_data_has_zero_mean_and_unit_deviation() -> None:
    data = np.random.default_rng(0).normal(3.0, 5.0, (1000, 4))
    scaled = standardise(data).apply(data.astype(np.float32))
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-4)


def test_constant_dimension_does_not_explode_when_it_changes() -> None:
    normaliser = standardise(np.ones((10, 1)))
    assert abs(normaliser.apply(np.array([[1.001]], np.float32))[0, 0]) < 20


def test_identity_changes_nothing() -> None:
    data = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert (identity(3).apply(data) == data).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_data_that_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(SpecMismatch, match="NaN"):
        standardise(np.array([[1.0], [bad]]))


def test_no_data_is_refused() -> None:
    with pytest.raises(SpecMismatch, match="no data"):
        min_max(np.zeros((0, 3)))
