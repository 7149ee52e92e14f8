"""Encoders of pictures: published sizes, what they can tell apart, observations seen once."""

from __future__ import annotations

from typing import Any, Literal

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from trials import trials

from benchmarks.reference.pictures import PictureEnergy
from ibc_gym.errors import ConfigError
from ibc_gym.policies.networks.conv_maxpool import ConvMaxPool
from ibc_gym.policies.networks.conv_resnet import ConvResNet
from ibc_gym.policies.networks.coordinates import with_coordinates
from ibc_gym.policies.networks.factory import LateFusionConfig, late_fusion_network
from ibc_gym.policies.networks.pictures import ConvResNetConfig, PictureConfig, picture_network
from ibc_gym.policies.networks.spatial_softmax import SpatialSoftmax

Encoder = Literal["conv_maxpool", "conv_resnet"]
Pooling = Literal["spatial_softmax", "average"]


def weights(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def convolutions(network: nn.Module) -> list[nn.Conv2d]:
    return [part for part in network.modules() if isinstance(part, nn.Conv2d)]


@pytest.mark.parametrize(
    ("pooling", "outputs", "count"), [("spatial_softmax", 128, 44_417), ("average", 64, 44_416)]
)
def test_conv_resnet_has_the_published_26_layers(
    pooling: Pooling, outputs: int, count: int
) -> None:
    config = PictureConfig(
        picture_encoder="conv_resnet", conv_resnet=ConvResNetConfig(pooling=pooling)
    )
    network = picture_network(config, (6, 24, 24))
    assert len(convolutions(network)) == 26
    assert network(torch.zeros(2, 6, 24, 24)).shape == (2, outputs)
    assert network.outputs == outputs
    first, block, last = 8 * 64 * 9 + 64, 64 * 16 + 16 + 16 * 16 * 9 + 16 + 16 * 64 + 64, 64 * 65
    assert weights(network) == first + 8 * block + last + (pooling == "spatial_softmax") == count


def test_conv_maxpool_with_coordinates_has_eight_channels() -> None:
    plain = ConvMaxPool((6, 90, 120))
    seeing = ConvMaxPool((6, 90, 120), coordinates=True)
    assert [layer.out_channels for layer in convolutions(plain)] == [32, 64, 128, 256]
    assert convolutions(plain)[0].in_channels == 6
    assert convolutions(seeing)[0].in_channels == 8
    assert weights(seeing) - weights(plain) == 2 * 32 * 9


@given(seed=st.integers(0, 2**32 - 1), coordinates=st.booleans())
@settings(max_examples=trials(20))
def test_pooling_before_rectifying_changes_neither_output_nor_gradient(
    seed: int, coordinates: bool
) -> None:
    torch.manual_seed(seed)
    ours = ConvMaxPool((6, 12, 20), (4, 6), coordinates=coordinates)
    plain = PictureEnergy(6 + 2 * coordinates, (4, 6), 2, 4)
    plain.load_state_dict(ours.state_dict(), strict=False)
    picture = torch.randn(3, 6, 12, 20)
    picture[0] = 0.0  # a surface of one colour, whose maxima are many
    side_by_side = picture.to(memory_format=torch.channels_last)
    seen = with_coordinates(picture) if coordinates else picture
    found, expected = ours(side_by_side), plain.encode(seen)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    weighting = torch.randn_like(found)
    (found * weighting).sum().backward(), (expected * weighting).sum().backward()
    for one, other in zip(ours.parameters(), plain.layers.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, atol=1e-5, rtol=1e-4)


def test_kernels_begin_glorot_uniform_and_biases_at_zero() -> None:
    for network in (ConvMaxPool((6, 32, 32)), ConvResNet((6, 32, 32))):
        for layer in convolutions(network):
            fan = layer.kernel_size[0] ** 2 * (layer.in_channels + layer.out_channels)
            bound = (6 / fan) ** 0.5
            assert layer.bias is not None and not layer.bias.any()
            assert 0.9 * bound < layer.weight.abs().max() <= bound


@settings(max_examples=trials(15), deadline=None)
@given(
    encoder=st.sampled_from(["conv_maxpool", "conv_resnet"]),
    pooling=st.sampled_from(["spatial_softmax", "average"]),
    batch=st.integers(1, 3),
    channels=st.integers(1, 6),
    height=st.integers(4, 12),
    width=st.integers(4, 12),
    heads=st.integers(1, 5),
    places=st.sampled_from([{}, {"keypoints": True}, {"flatten": True}]),
)
def test_any_picture_becomes_a_vector_of_the_promised_length(
    encoder: Encoder,
    pooling: Pooling,
    batch: int,
    channels: int,
    height: int,
    width: int,
    heads: int,
    places: dict[str, bool],
) -> None:
    config = PictureConfig(
        picture_encoder=encoder,
        channels=(3, 5),
        coordinates=True,
        **places,
        conv_resnet=ConvResNetConfig(filters=8, blocks=1, heads=heads, pooling=pooling),
    )
    network = picture_network(config, (channels, height, width))
    pictures = torch.randn(batch, channels, height, width, requires_grad=True)
    seen = network(pictures)
    assert seen.shape == (batch, network.outputs)
    seen.sum().backward()
    assert pictures.grad is not None and torch.isfinite(pictures.grad).all()


def dot(row: int, column: int, size: int = 64) -> Tensor:
    picture = torch.zeros(1, 3, size, size)
    picture[:, 1, row : row + 3, column : column + 3] = 1
    return picture


def test_convolution_without_coordinates_cannot_tell_where_and_with_them_it_can() -> None:
    here, there = dot(16, 16), dot(32, 16)  # moved by a whole cell of the last layer
    blind, seeing = ConvMaxPool((3, 64, 64)), ConvMaxPool((3, 64, 64), coordinates=True)
    torch.testing.assert_close(blind(here), blind(there))
    assert not torch.allclose(seeing(here), seeing(there), atol=1e-3)


def test_place_of_a_dot_can_be_learned_with_coordinates_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    places = torch.randint(4, 18, (64, 2), generator=generator)
    pictures = torch.cat([dot(int(row), int(column), 24) for row, column in places])
    targets = (places.float() - 10.5) / 10.5
    errors = []
    for coordinates in (False, True):
        torch.manual_seed(0)
        look = ConvMaxPool((3, 24, 24), (8, 16), coordinates=coordinates)
        network = nn.Sequential(look, nn.Linear(16, 2))
        optimiser = torch.optim.Adam(network.parameters(), 1e-2)
        for _ in range(80):
            error = (network(pictures) - targets).square().mean()
            optimiser.zero_grad()
            error.backward()
            optimiser.step()
        errors.append(float(error.detach()))
    assert errors[1] < 0.5 * errors[0]


@settings(max_examples=trials(15), deadline=None)
@given(st.integers(2, 9), st.integers(2, 9), st.data())
def test_spatial_softmax_of_a_sharp_peak_is_its_place(
    height: int, width: int, data: st.DataObject
) -> None:
    row, column = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    maps = torch.zeros(1, 2, height, width)
    maps[0, 1, row, column] = 50
    found = SpatialSoftmax()(maps)[0]
    expected = torch.tensor([0, 0, 2 * row / (height - 1) - 1, 2 * column / (width - 1) - 1])
    torch.testing.assert_close(found, expected.float(), atol=1e-5, rtol=0)


def test_spatial_softmax_sharpens_by_its_temperature() -> None:
    pool = SpatialSoftmax()
    maps = torch.zeros(1, 1, 5, 5)
    maps[0, 0, 4, 4] = 2
    mild = pool(maps)
    with torch.no_grad():
        pool.temperature.fill_(0.05)
    assert (mild < pool(maps)).all() and torch.allclose(pool(maps), torch.ones(1, 2), atol=1e-4)


def test_keypoints_are_where_the_last_maps_are_strongest() -> None:
    look = ConvMaxPool((3, 64, 64), (3, 2), keypoints=True)
    with torch.no_grad():
        first, last = convolutions(look)
        for layer in (first, last):
            layer.weight.zero_()
        for channel in range(
            3
        ):  # each hands the picture on, the last one its second channel, sharply
            first.weight[channel, channel, 1, 1] = 1
        last.weight[1, 1, 1, 1] = 100
        found = look(dot(16, 40))[0]
    row, column = (
        (16 + 18) / 4,
        (40 + 42) / 4,
    )  # of 32 cells: the dot is on two of them, and in part
    expected = torch.tensor([0, 0, 2 * row / 31 - 1, 2 * column / 31 - 1])
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_keypoints_need_one_halving_less() -> None:
    ConvMaxPool((3, 4, 4), (2, 2, 2), keypoints=True)
    with pytest.raises(ConfigError, match="4 x 4, which cannot be halved 3 times"):
        ConvMaxPool((3, 4, 4), (2, 2, 2))


def test_flattened_maps_are_the_cells_that_are_averaged_otherwise() -> None:
    whole = ConvMaxPool((3, 13, 18), (4, 5), flatten=True)
    mean = ConvMaxPool((3, 13, 18), (4, 5))
    mean.load_state_dict(whole.state_dict())
    pictures = torch.randn(2, 3, 13, 18)
    assert whole.outputs == 5 * 3 * 4
    cells = whole(pictures).unflatten(1, (5, 3, 4))
    torch.testing.assert_close(cells.mean(dim=(2, 3)), mean(pictures))
    assert not torch.allclose(
        whole(dot(4, 4, 24)[:, :, :13, :18]), whole(dot(4, 8, 24)[:, :, :13, :18])
    )


def test_maps_are_either_places_or_handed_on() -> None:
    both = r"PictureConfig\.flatten and PictureConfig\.keypoints are both set"
    with pytest.raises(ConfigError, match=both):
        PictureConfig(keypoints=True, flatten=True)


def test_trunk_sees_pictures_and_features_together() -> None:
    config = LateFusionConfig(channels=(4,), width=16, depth=2, trunk_depth=2, value_width=8)
    encoder = late_fusion_network(config, 3, {"image": (3, 8, 8)}, 2).encoder
    inputs = {"image": torch.randn(1, 3, 8, 8), "features": torch.randn(1, 3)}
    assert encoder.outputs == 16 and encoder(inputs).shape == (1, 16)
    other = encoder({**inputs, "features": inputs["features"] + 1})
    assert (encoder(inputs) != other).sum() > 8, "not only some of the numbers know of the features"


@pytest.mark.parametrize("depths", [{"depth": 1}, {"trunk_depth": 3}, {"trunk_depth": -2}])
def test_depth_that_residual_blocks_cannot_have_is_refused(depths: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="2 layers each"):
        LateFusionConfig(**depths)


def fused(encoder: Encoder, feature_encoder: Literal["resnet", "none"]) -> LateFusionConfig:
    return LateFusionConfig(
        picture_encoder=encoder,
        channels=(4, 8),
        conv_resnet=ConvResNetConfig(filters=8, blocks=2, heads=4),
        feature_encoder=feature_encoder,
        width=16,
        depth=2,
        value="dense_resnet",
        value_width=16,
        value_blocks=2,
    )


@pytest.mark.parametrize("encoder", ["conv_maxpool", "conv_resnet"])
@pytest.mark.parametrize("feature_encoder", ["resnet", "none"])
def test_observation_seen_once_is_judged_as_if_seen_for_every_action(
    encoder: Encoder, feature_encoder: Literal["resnet", "none"]
) -> None:
    poses, actions, samples = 2 * 12, 12, 7  # two arms of six numbers, two frames
    network = late_fusion_network(
        fused(encoder, feature_encoder), poses, {"image": (6, 16, 20)}, actions
    ).double()
    pictures = torch.randn(3, 6, 16, 20, dtype=torch.double)
    features = torch.randn(3, poses, dtype=torch.double)
    candidates = torch.randn(3, samples, actions, dtype=torch.double)
    calls: list[int] = []
    network.encoder.pictures[0].register_forward_hook(
        lambda _, inputs, output: calls.append(len(inputs[0]))
    )
    once = network(network.encode({"image": pictures, "features": features}), candidates)
    assert calls == [3]
    each = torch.stack(
        [
            network(
                network.encode({"image": pictures, "features": features}), candidates[:, k : k + 1]
            )[:, 0]
            for k in range(samples)
        ],
        dim=1,
    )
    torch.testing.assert_close(once, each)
    moved = {"image": pictures, "features": features + 1}
    assert not torch.allclose(network(network.encode(moved), candidates), once)
    turned = {"image": pictures.flip(-1), "features": features}
    assert not torch.allclose(network(network.encode(turned), candidates), once)


@pytest.mark.parametrize("sizes", [{"filters": 6}, {"blocks": 0}, {"heads": 0}])
def test_conv_resnet_that_cannot_be_is_refused(sizes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"divisible by 4"):
        ConvResNetConfig(**sizes)
    with pytest.raises(ConfigError, match=r"divisible by 4"):
        ConvResNet((3, 8, 8), **sizes)
