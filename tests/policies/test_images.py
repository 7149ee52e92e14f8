from __future__ import annotations

import numpy as np
import torch

from benchmarks.reference.pictures import channels_of
from ibc_gym.policies.images import channel_statistics, resize, stack


def test_stack_puts_each_frame_into_channels_of_its_own() -> None:
    frames = torch.zeros(1, 2, 4, 6, 3, dtype=torch.uint8)
    frames[0, 0, 1, 2, 0] = 255
    frames[0, 1, 3, 5, 2] = 255
    channels = stack(frames, torch.zeros(3), torch.ones(3))
    assert channels.shape == (1, 6, 4, 6)
    assert channels.dtype == torch.float32
    lit = {tuple(index) for index in torch.nonzero(channels > 0.99).tolist()}
    assert lit == {(0, 0, 1, 2), (0, 5, 3, 5)}
    assert channels.is_contiguous(memory_format=torch.channels_last)


def test_stack_does_as_the_plain_reference() -> None:
    draw = torch.Generator().manual_seed(0)
    frames = torch.randint(0, 256, (4, 3, 5, 7, 3), dtype=torch.uint8, generator=draw)
    mean, std = torch.tensor([0.2, 0.5, 0.7]), torch.tensor([0.1, 0.3, 0.2])
    torch.testing.assert_close(stack(frames, mean, std), channels_of(frames, mean, std))


def test_statistics_make_channels_standard() -> None:
    frames = np.random.default_rng(0).integers(0, 200, (40, 8, 9, 3)).astype(np.uint8)
    frames[..., 1] //= 4
    fitted = channel_statistics(frames)
    channels = stack(
        torch.from_numpy(frames)[:, None],
        torch.from_numpy(fitted.offset),
        torch.from_numpy(fitted.scale),
    )
    torch.testing.assert_close(channels.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(channels.std(dim=(0, 2, 3)), torch.ones(3), atol=1e-3, rtol=0)


def test_one_colour_stays_finite() -> None:
    fitted = channel_statistics(np.full((3, 8, 8, 3), 7, np.uint8))
    assert np.isfinite(fitted.scale).all() and (fitted.scale > 0).all()


def test_resize_averages_and_does_not_depend_on_how_many_come_at_once() -> None:
    frames = np.random.default_rng(1).integers(0, 256, (300, 12, 16, 3)).astype(np.uint8)
    small = resize(frames, (6, 8))
    assert small.shape == (300, 6, 8, 3) and small.dtype == np.uint8
    assert np.array_equal(resize(frames[123:124], (6, 8)), small[123:124])
    assert abs(float(small.mean()) - float(frames.mean())) < 1


def test_resize_to_the_same_size_gives_the_frames_themselves() -> None:
    frames = np.zeros((2, 4, 5, 3), np.uint8)
    assert resize(frames, (4, 5)) is frames
    assert resize(frames, None) is frames
