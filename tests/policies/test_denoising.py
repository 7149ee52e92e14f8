"""The sampler finds what a known best predictor leads to: a point exactly, a normal density ever more closely."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ibc_gym.policies.denoising import ddim, squared_cosine
from ibc_gym.policies.noise import SharedNoise
from ibc_gym.policies.optimisers.box import Box

WIDE = Box(torch.full((2,), -50.0), torch.full((2,), 50.0))
POINT = torch.tensor([0.7, -0.2])


@pytest.fixture
def noise(generator: torch.Generator) -> SharedNoise:
    return SharedNoise(generator, torch.device("cpu"))


def normal_noise(kept: Tensor, mean: Tensor, deviation: float) -> object:
    """The best prediction of the noise where demonstrations are normal: its mean, given what is seen."""

    def predict(x: Tensor, step: int) -> Tensor:
        share = float(kept[step])
        variance = share * deviation**2 + 1 - share
        return math.sqrt(1 - share) * (x - math.sqrt(share) * mean) / variance

    return predict


def test_schedule_falls_as_a_squared_cosine_and_no_step_replaces_all() -> None:
    kept = squared_cosine(100)
    assert kept.shape == (100,) and (kept.diff() < 0).all() and (kept > 0).all()
    middle = math.cos((0.5 + 0.008) / 1.008 * math.pi / 2) ** 2
    start = math.cos(0.008 / 1.008 * math.pi / 2) ** 2
    assert float(kept[49]) == pytest.approx(middle / start, rel=1e-9)  # eq. 17 of the paper
    assert (1 - kept[1:] / kept[:-1]).max() <= 0.999 + 1e-9
    assert kept[0] > 0.99 and kept[-1] < 1e-3


@pytest.mark.parametrize("steps", [2, 7, 100])
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_demonstrations_of_one_point_are_found_exactly(
    steps: int, eta: float, noise: SharedNoise
) -> None:
    kept = squared_cosine(100)

    def predict(x: Tensor, step: int) -> Tensor:
        share = float(kept[step])
        return (x - math.sqrt(share) * POINT) / math.sqrt(1 - share)

    start = noise.normal(5, 3, 2).double()
    found = ddim(predict, start, WIDE, noise, kept=kept.tolist(), steps=steps, eta=eta)
    torch.testing.assert_close(found, POINT.double().expand(5, 3, 2), atol=1e-4, rtol=0)


def test_normal_demonstrations_are_found_ever_more_closely(noise: SharedNoise) -> None:
    # Without fresh noise the path of x has a closed form: x over its deviation does not change.
    kept, deviation = squared_cosine(1000), 0.3
    start = noise.normal(400, 1, 2).double()
    share = float(kept[-1])
    scaled = (start - math.sqrt(share) * POINT) / math.sqrt(share * deviation**2 + 1 - share)
    exact = POINT + deviation * scaled
    errors = []
    for steps in (10, 50, 250):
        predict = normal_noise(kept, POINT, deviation)
        found = ddim(predict, start, WIDE, noise, kept=kept.tolist(), steps=steps)  # type: ignore[arg-type]
        errors.append(float((found - exact).abs().max()))
    assert errors[0] > 3 * errors[1] > 9 * errors[2]
    assert errors[2] < 0.02


def test_fresh_noise_in_every_step_keeps_the_density(noise: SharedNoise) -> None:
    kept, deviation = squared_cosine(100), 0.3
    predict = normal_noise(kept, POINT, deviation)
    start = noise.normal(4000, 1, 2)
    found = ddim(predict, start, WIDE, noise, kept=kept.tolist(), steps=100, eta=1.0)  # type: ignore[arg-type]
    torch.testing.assert_close(found.mean(dim=(0, 1)), POINT, atol=0.02, rtol=0)
    torch.testing.assert_close(found.std(dim=0)[0], torch.full((2,), deviation), atol=0.03, rtol=0)
    plain = ddim(predict, start, WIDE, noise, kept=kept.tolist(), steps=100)  # type: ignore[arg-type]
    assert not torch.allclose(found, plain, atol=0.01)


def test_every_step_stays_within_the_box(noise: SharedNoise) -> None:
    box = Box(torch.tensor([-1.0, -0.1]), torch.tensor([0.5, 0.1]))
    kept = squared_cosine(100)
    seen = []

    def predict(x: Tensor, step: int) -> Tensor:
        seen.append(float(x.abs().max()))
        return torch.full_like(x, -3.0)  # asks for actions far outside

    found = ddim(predict, noise.normal(6, 2, 2), box, noise, kept=kept.tolist(), steps=16)
    assert len(seen) == 16 and max(seen) < 10
    assert ((found >= box.low) & (found <= box.high)).all()
