from __future__ import annotations

import torch

from ibc_gym.policies.noise import RowNoise, SharedNoise, seeded

CPU = torch.device("cpu")


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def generators(*seeds: int) -> list[torch.Generator]:
    return [generator(seed) for seed in seeds]


def test_a_row_draws_the_same_whoever_is_beside_it() -> None:
    beside = RowNoise(generators(1, 2, 3), CPU)
    alone = RowNoise(generators(2), CPU)
    for _ in range(2):
        assert torch.equal(beside.uniform(3, 7, 2)[1], alone.uniform(1, 7, 2)[0])
        assert torch.equal(beside.normal(3, 100)[1], alone.normal(1, 100)[0])


def test_a_part_goes_on_with_its_rows_generators() -> None:
    noise = RowNoise(generators(1, 2, 3), CPU)
    drawn = noise.part(slice(1, 3)).normal(2, 4)
    assert torch.equal(drawn[0], RowNoise(generators(2), CPU).normal(1, 4)[0])


def test_shared_noise_follows_its_generator() -> None:
    first, second = (SharedNoise(generator(5), CPU).uniform(4, 3) for _ in range(2))
    assert torch.equal(first, second)
    assert first.min() >= 0 and first.max() < 1


def test_seeded_block_follows_the_generator_and_leaves_the_global_one_alone() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    drawn = []
    for _ in range(2):
        with seeded(generator(9), CPU):
            drawn.append(torch.rand(3))
    assert torch.equal(drawn[0], drawn[1])
    assert torch.equal(torch.get_rng_state(), before)
