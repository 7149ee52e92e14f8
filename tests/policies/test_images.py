from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
import torch
from small_policies import MakeSpec, MakeWindows

from benchmarks.reference.pictures import channels_of
from ibc_gym.errors import ConfigError
from ibc_gym.policies.images import channel_statistics, cropped_and_resized, shifted, stack
from ibc_gym.policies.mse import MSE, MSEConfig


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
    small = cropped_and_resized(frames, (0, 0, 12, 16), (6, 8))
    assert small.shape == (300, 6, 8, 3) and small.dtype == np.uint8
    one = cropped_and_resized(frames[123:124], (0, 0, 12, 16), (6, 8))
    assert np.array_equal(one, small[123:124])
    assert abs(float(small.mean()) - float(frames.mean())) < 1


class OnDisk:
    """Gives rows by slices alone, as a long array in a file does."""

    def __init__(self, frames: np.ndarray) -> None:
        self._frames = frames
        self.shape = frames.shape

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, rows: slice) -> np.ndarray:
        assert isinstance(rows, slice)
        return self._frames[rows]


@pytest.mark.parametrize("size", [None, (2, 3), (5, 8)])
def test_a_part_of_pictures_in_a_file_is_that_of_pictures_in_memory(
    size: tuple[int, int] | None,
) -> None:
    frames = np.random.default_rng(2).integers(0, 256, (300, 9, 12, 3)).astype(np.uint8)
    stored = cropped_and_resized(cast("Any", OnDisk(frames)), (1, 2, 6, 10), size)
    part = np.ascontiguousarray(frames[:, 1:6, 2:10])
    np.testing.assert_array_equal(stored, cropped_and_resized(part, (0, 0, 5, 8), size))
    assert cropped_and_resized(frames, (0, 0, 9, 12), size).shape == (300, *(size or (9, 12)), 3)


def test_resize_to_the_same_size_gives_the_frames_themselves() -> None:
    frames = np.zeros((2, 4, 5, 3), np.uint8)
    assert cropped_and_resized(frames, (0, 0, 4, 5), (4, 5)) is frames
    assert cropped_and_resized(frames, (0, 0, 4, 5), None) is frames


def test_a_shift_moves_all_frames_of_a_window_and_repeats_the_edges() -> None:
    draw = torch.Generator().manual_seed(0)
    frames = torch.randint(0, 256, (300, 2, 5, 7, 3), dtype=torch.uint8, generator=draw)
    moved = shifted(frames, 2, draw)
    assert moved.shape == frames.shape and moved.dtype == torch.uint8
    wider = np.pad(frames.numpy(), ((0, 0), (0, 0), (2, 2), (2, 2), (0, 0)), mode="edge")
    seen = set()
    for window, one in enumerate(moved.numpy()):
        ways = [
            (row, column)
            for row in range(5)
            for column in range(5)
            if np.array_equal(one, wider[window, :, row : row + 5, column : column + 7])
        ]
        assert len(ways) == 1
        seen.update(ways)
    assert len(seen) == 25


def test_shifts_follow_the_generator() -> None:
    frames = (
        torch.arange(2 * 6 * 8 * 3, dtype=torch.uint8).reshape(1, 2, 6, 8, 3).repeat(40, 1, 1, 1, 1)
    )
    one, same, other = (
        shifted(frames, 3, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_pictures_are_moved_in_training_alone(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows = make_windows(count=40, picture=(16, 16, 3))
    still, moving = (
        MSE(
            MSEConfig(inputs=("image",), channels=(4,), width=8, depth=2, image_shift=shift),
            make_spec((16, 16, 3)),
        )
        for shift in (0, 4)
    )
    moving.load_state_dict(still.state_dict())
    losses, at_rest, errors, actions = [], [], [], []
    for policy in (still, moving):
        policy.fit(windows)
        batch = policy.encode(windows).batch(torch.arange(40))
        losses.append(policy.train().loss(batch, torch.Generator().manual_seed(0))[0])
        at_rest.append(policy.eval().loss(batch, torch.Generator().manual_seed(0))[0])
        errors.append(policy.validate(batch, torch.Generator().manual_seed(0)))
        policy.reset(np.ones(1, np.bool_), [0])
        actions.append(policy.act({"image": windows.frames["image"][:1]}).tolist())
    assert losses[0] != losses[1]
    assert at_rest[0] == at_rest[1] and errors[0] == errors[1] and actions[0] == actions[1]


def test_a_shift_that_might_leave_nothing_is_refused(make_spec: MakeSpec) -> None:
    config = MSEConfig(inputs=("image",), channels=(4,), image_crop=(0, 0, 0.5, 1), image_shift=8)
    MSE(config, make_spec((18, 16, 3)))
    with pytest.raises(ConfigError, match=r"MSEConfig\.image_shift is 8 .* are 8 x 16 as networks"):
        MSE(config, make_spec((16, 16, 3)))
