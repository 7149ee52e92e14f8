from __future__ import annotations

from typing import Any

import pytest
import torch

from ibc_gym.errors import ConfigError
from ibc_gym.policies.losses import gradient_penalty, info_nce
from ibc_gym.policies.networks.conv_maxpool import ConvMaxPool
from ibc_gym.policies.networks.coordinates import with_coordinates
from ibc_gym.policies.networks.energy import EnergyNetwork
from ibc_gym.policies.networks.factory import (
    JointConfig,
    LateFusionConfig,
    joint_network,
    late_fusion_network,
)
from ibc_gym.policies.networks.mlp import MLPDropout
from ibc_gym.policies.networks.observation import DenseTrunk
from ibc_gym.policies.networks.resnet import DenseResNet

FEATURES, ACTIONS = 5, 3


def small_networks() -> dict[str, EnergyNetwork]:
    late: dict[str, Any] = {"width": 16, "depth": 2, "value_width": 8}
    return {
        "resnet": joint_network(JointConfig(width=16, depth=4), FEATURES, ACTIONS),
        "resnet-default": joint_network(
            JointConfig(width=16, depth=6, initialisation="default"), FEATURES, ACTIONS
        ),
        "mlp": joint_network(
            JointConfig(trunk="mlp", width=16, depth=2, initialisation="default"), FEATURES, ACTIONS
        ),
        "resnet-spectral": joint_network(
            JointConfig(width=16, depth=4, dense="spectral_norm"), FEATURES, ACTIONS
        ),
        "resnet-squares": joint_network(
            JointConfig(width=16, depth=4, squares=0.5), FEATURES, ACTIONS
        ),
        "resnet-skip": joint_network(JointConfig(width=16, depth=4, skip=True), FEATURES, ACTIONS),
        "resnet-squares-skip": joint_network(
            JointConfig(width=16, depth=4, squares=1.0, skip=True), FEATURES, ACTIONS
        ),
        "resnet-swish": joint_network(
            JointConfig(width=16, depth=4, activation="swish", initialisation="default"),
            FEATURES,
            ACTIONS,
        ),
        "resnet-original": joint_network(
            JointConfig(trunk="resnet_original", width=16, depth=4, initialisation="default"),
            FEATURES,
            ACTIONS,
        ),
        "dense-resnet": joint_network(
            JointConfig(trunk="dense_resnet", width=16, depth=6, initialisation="default"),
            FEATURES,
            ACTIONS,
        ),
        "late-fusion-spectral": late_fusion_network(
            LateFusionConfig(**late, dense="spectral_norm"), FEATURES, {}, ACTIONS
        ),
        "late-fusion": late_fusion_network(LateFusionConfig(**late), FEATURES, {}, ACTIONS),
        "late-fusion-skip": late_fusion_network(
            LateFusionConfig(**late, skip=True), FEATURES, {}, ACTIONS
        ),
        "late-fusion-squares": late_fusion_network(
            LateFusionConfig(**late, squares=0.25), FEATURES, {}, ACTIONS
        ),
        "dense-resnet-value": late_fusion_network(
            LateFusionConfig(**late, value="dense_resnet", value_blocks=2), FEATURES, {}, ACTIONS
        ),
    }


@pytest.fixture(params=list(small_networks()))
def network(request: pytest.FixtureRequest) -> EnergyNetwork:
    return small_networks()[request.param].double()


@pytest.fixture
def observed() -> dict[str, torch.Tensor]:
    return {"features": torch.randn(4, FEATURES, dtype=torch.double)}


@pytest.fixture
def actions() -> torch.Tensor:
    return torch.randn(4, 6, ACTIONS, dtype=torch.double)


def plain(network: EnergyNetwork, observed: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
    """The energy by concatenation, with nothing split or folded."""
    encoded = network.encoder({"features": observed})
    tiled = encoded[:, None].expand(-1, actions.shape[1], -1)
    both = torch.cat([tiled, actions], dim=-1)
    value = network.value
    if isinstance(value, DenseResNet):
        both, linear = value.projection(both).tensor_split([value.width], dim=-1)
        both = torch.cat([both[..., : value.squares] ** 2, both[..., value.squares :]], dim=-1)
        for block in value.blocks:
            both = block(both)
    last = value.head if isinstance(value, DenseResNet) else value
    energies: torch.Tensor = last(both)[..., 0]
    return energies + linear.sum(dim=-1) if isinstance(value, DenseResNet) else energies


def test_context_computed_once_equals_the_concatenated_network(
    network: EnergyNetwork, observed: dict[str, torch.Tensor], actions: torch.Tensor
) -> None:
    expected = plain(network, observed["features"], actions)
    torch.testing.assert_close(network(network.encode(observed), actions), expected)


@pytest.mark.parametrize("recorded", [True, False])
def test_action_gradient_in_closed_form_equals_autograd(
    network: EnergyNetwork, observed: dict[str, torch.Tensor], actions: torch.Tensor, recorded: bool
) -> None:
    leaf = actions.clone().requires_grad_()
    (expected,) = torch.autograd.grad(plain(network, observed["features"], leaf).sum(), leaf)
    weights = {name: each.clone() for name, each in network.named_parameters()}
    with torch.set_grad_enabled(recorded):
        context = network.encode(observed)
        before = context.clone()
        for _ in range(
            2
        ):  # neither what is known nor a weight is overwritten, though memory is used again
            torch.testing.assert_close(network.action_gradient(context, actions), expected)
    assert torch.equal(context, before)
    assert all(torch.equal(each, weights[name]) for name, each in network.named_parameters())


def test_slope_in_bfloat16_is_that_of_single_precision_but_for_rounding(
    network: EnergyNetwork, observed: dict[str, torch.Tensor], actions: torch.Tensor
) -> None:
    network, actions = network.float(), actions.float()
    context = network.encode({"features": observed["features"].float()})
    exactly = network.action_gradient(context, actions)
    rounded = network.action_gradient(context, actions, bfloat16=True)
    assert rounded.dtype == torch.float32
    # Of a few candidates near a kink, rounding decides on which side they are.
    apart = (rounded - exactly).norm(dim=-1) / exactly.norm(dim=-1)
    assert 0 < apart.median() < 0.02
    (last,) = [weight for weight in network.value.head.parameters() if weight.ndim == 2]
    (learnt,) = torch.autograd.grad(rounded.square().sum(), last)
    (expected,) = torch.autograd.grad(exactly.square().sum(), last)
    assert torch.cosine_similarity(learnt.flatten(), expected.flatten(), dim=0) > 0.9


@pytest.mark.parametrize("candidates", [6, 3000])
def test_judging_in_bfloat16_is_that_in_single_precision_but_for_rounding(
    network: EnergyNetwork, observed: dict[str, torch.Tensor], candidates: int
) -> None:
    network, actions = network.float(), torch.randn(4, candidates, ACTIONS)
    context = network.encode({"features": observed["features"].float()})
    exactly, rounded = (network.judge(context, actions, bfloat16=half) for half in (False, True))
    assert rounded.dtype == torch.float32
    assert 0 < (rounded - exactly).norm() < 0.02 * exactly.norm()


def test_penalty_on_the_closed_form_teaches_as_second_order_autograd(
    network: EnergyNetwork, observed: dict[str, torch.Tensor], actions: torch.Tensor
) -> None:
    leaf = actions.clone().requires_grad_()
    energies = plain(network, observed["features"], leaf)
    (slopes,) = torch.autograd.grad(energies.sum(), leaf, create_graph=True)
    parameters = list(network.parameters())
    expected = torch.autograd.grad(
        gradient_penalty(slopes, margin=0.0), parameters, allow_unused=True
    )
    own = network.action_gradient(network.encode(observed), actions)
    got = torch.autograd.grad(gradient_penalty(own, margin=0.0), parameters, allow_unused=True)
    for mine, theirs in zip(got, expected, strict=True):
        zero = torch.zeros(())
        torch.testing.assert_close(
            (zero if mine is None else mine).sum(),
            (zero if theirs is None else theirs).sum(),
            check_dtype=False,
        )
        if mine is not None and theirs is not None:
            torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize(("rows", "candidates"), [(1, 3000), (3, 700), (40, 64), (2, 5)])
def test_judging_in_pieces_changes_nothing(
    network: EnergyNetwork, rows: int, candidates: int
) -> None:
    context = network.encode({"features": torch.randn(rows, FEATURES, dtype=torch.double)})
    many = torch.randn(rows, candidates, ACTIONS, dtype=torch.double)
    torch.testing.assert_close(network.judge(context, many), network(context, many))


@pytest.mark.parametrize("negatives", (8, 64, 256))
def test_published_initialisation_starts_at_the_log_of_the_number_of_candidates(
    negatives: int,
) -> None:
    network = joint_network(JointConfig(width=128, depth=8), 20, 2)
    context = network.encode({"features": torch.randn(64, 20)})
    energies = network(context, torch.rand(64, negatives + 1, 2) * 2.2 - 1.1)
    loss = info_nce(energies, torch.zeros(64, dtype=torch.long))
    expected = torch.log(torch.tensor(negatives + 1.0))
    assert loss.item() == pytest.approx(float(expected), abs=0.01)


def test_published_initialisation_draws_weights_and_biases_alike() -> None:
    network = DenseResNet(50, 1, width=200, depth=4)
    first, second = network.blocks[0].first, network.blocks[1].second
    for layer in (network.projection, first, second):
        assert isinstance(layer, torch.nn.Linear)
        assert layer.weight.std().item() == pytest.approx(0.05, rel=0.05)
        assert layer.bias.std().item() == pytest.approx(0.05, rel=0.2)


def test_depth_counts_the_layers_inside_the_blocks() -> None:
    count = sum(
        isinstance(m, torch.nn.Linear) for m in DenseResNet(4, 1, width=8, depth=8).modules()
    )
    assert count == 8 + 2
    count = sum(
        isinstance(m, torch.nn.Linear) for m in MLPDropout(4, 1, width=8, depth=3).modules()
    )
    assert count == 3 + 1


def test_recipe_network_has_about_the_measured_number_of_weights() -> None:
    network = late_fusion_network(LateFusionConfig(), 19, {}, 2)
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(289_089, rel=0.01)


def test_share_of_the_first_layer_is_squared() -> None:
    trunk = DenseTrunk(2, width=8, depth=0, squares=0.75, initialisation="default")
    features = torch.randn(5, 2)
    units = trunk.projection(features)
    torch.testing.assert_close(
        trunk(features), torch.cat([units[:, :6] ** 2, units[:, 6:].relu()], 1)
    )


@pytest.mark.parametrize("squares", (-0.1, 1.1, float("nan")))
@pytest.mark.parametrize("config", (JointConfig, LateFusionConfig))
def test_squares_are_a_share(config: Any, squares: float) -> None:
    with pytest.raises(ConfigError, match="squares"):
        config(squares=squares)


@pytest.mark.parametrize("given", ({"squares": 0.5}, {"skip": True}))
def test_squares_and_a_skip_are_a_residual_network_s(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="'mlp'"):
        JointConfig(trunk="mlp", **given)


def test_squares_without_a_layer_are_refused() -> None:
    with pytest.raises(ConfigError, match="no layer to square"):
        LateFusionConfig(feature_encoder="none", squares=0.5)
    LateFusionConfig(feature_encoder="none", trunk_depth=2, squares=0.5)


def test_odd_depth_is_refused() -> None:
    with pytest.raises(ConfigError, match="even"):
        DenseResNet(4, 1, width=8, depth=3)


def test_picture_too_small_to_be_halved_is_refused() -> None:
    with pytest.raises(ConfigError, match="halved"):
        ConvMaxPool((6, 8, 40))


def test_convolutions_have_the_published_size() -> None:
    network = ConvMaxPool((6, 90, 120))
    assert network(torch.zeros(2, 6, 90, 120)).shape == (2, 256)
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(0.39e6, rel=0.01)


def test_coordinates_run_from_one_edge_to_the_other() -> None:
    grid = with_coordinates(torch.zeros(1, 3, 4, 5))[0, 3:]
    assert (grid[0, 0] == -1).all() and (grid[0, -1] == 1).all()
    assert (grid[1, :, 0] == -1).all() and (grid[1, :, -1] == 1).all()
