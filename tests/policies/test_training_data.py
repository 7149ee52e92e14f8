from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_policies import MakeSpec, MakeWindows

from ibc_gym.policies.codec import Codec
from ibc_gym.policies.images import cropped_and_resized
from ibc_gym.policies.inputs import InputConfig
from ibc_gym.policies.training_data import TensorWindows


def test_a_batch_is_the_windows_of_its_rows(make_spec: MakeSpec, make_windows: MakeWindows) -> None:
    picture = (16, 16, 3)
    windows = make_windows(count=40, picture=picture)
    codec = Codec(InputConfig(inputs=("state", "image")), make_spec(picture), None)
    codec.fit(windows)
    data = TensorWindows.of(windows, codec)
    assert len(data) == 40
    rows = torch.tensor([7, 0, 39])
    batch = data.batch(rows)
    seen = {"state": windows.observation("state")}
    np.testing.assert_array_equal(batch["features"], codec.features(seen)[rows])
    np.testing.assert_array_equal(batch["action"], codec.actions_in(windows.action, seen)[rows])
    np.testing.assert_array_equal(batch["image"], windows.observation("image")[rows])
    assert batch["image"].dtype == torch.uint8


def test_pictures_are_held_once_and_resized(make_spec: MakeSpec, make_windows: MakeWindows) -> None:
    windows = make_windows(count=10, picture=(32, 48, 3))
    config = InputConfig(inputs=("image",), image_size=(16, 24))
    codec = Codec(config, make_spec((32, 48, 3)), None)
    codec.fit(windows)
    batch = TensorWindows.of(windows, codec).to("cpu").batch(torch.arange(4))
    assert set(batch) == {"image", "action"}
    assert batch["image"].shape == (4, 2, 16, 24, 3)


def test_pictures_are_cut_before_they_are_resized(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows = make_windows(count=10, picture=(32, 48, 3))
    part = windows.frames["image"][:, 8:24, 12:48].astype(np.uint8)
    for size, seen in ((None, part), ((8, 18), cropped_and_resized(part, (0, 0, 16, 36), (8, 18)))):
        config = InputConfig(inputs=("image",), image_size=size, image_crop=(0.25, 0.25, 0.75, 1.0))
        codec = Codec(config, make_spec((32, 48, 3)), None)
        assert codec.picture_shapes == {"image": (6, *seen.shape[1:3])}
        np.testing.assert_array_equal(codec.pictures("image", windows.frames["image"]), seen)


@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    crop=st.tuples(*[st.floats(0, 1)] * 4).filter(
        lambda crop: crop[0] < crop[2] and crop[1] < crop[3]
    ),
)
def test_something_is_left_of_every_cut(
    height: int, width: int, crop: tuple[float, float, float, float]
) -> None:
    top, left, bottom, right = InputConfig(image_crop=crop).crop_of((height, width, 3))
    assert 0 <= top < bottom <= height and 0 <= left < right <= width
