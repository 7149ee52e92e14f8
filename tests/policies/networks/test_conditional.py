from __future__ import annotations

import torch

from ibc_gym.policies.networks.conditional import ConditionalResNet, waves
from ibc_gym.policies.networks.observation import AsIs, ObservationEncoder


def network() -> ConditionalResNet:
    torch.manual_seed(0)
    encoder = ObservationEncoder(AsIs(3), {})
    made = ConditionalResNet(encoder, actions=4, width=16, blocks=2)
    torch.nn.init.normal_(made.head.weight)
    return made


def test_field_begins_at_zero() -> None:
    made = ConditionalResNet(ObservationEncoder(AsIs(3), {}), actions=4, width=16, blocks=1)
    context = made.encode({"features": torch.randn(2, 3)})
    assert not made(context, torch.randn(2, 5, 4), torch.rand(2, 5)).any()


def test_every_action_meets_its_own_observation_and_time_and_no_other() -> None:
    made = network()
    features, actions, time = torch.randn(3, 3), torch.randn(3, 5, 4), torch.rand(3, 5)
    whole = made(made.encode({"features": features}), actions, time)
    assert whole.shape == (3, 5, 4)
    alone = made(made.encode({"features": features[1:2]}), actions[1:2, 3:4], time[1:2, 3:4])
    torch.testing.assert_close(whole[1:2, 3:4], alone, atol=1e-5, rtol=1e-5)
    for changed in (
        made(made.encode({"features": features + 1}), actions, time),
        made(made.encode({"features": features}), actions + 1, time),
        made(made.encode({"features": features}), actions, 1 - time),
    ):
        assert ((changed - whole).abs().amax(dim=-1) > 1e-4).all()


def test_one_time_serves_all_actions() -> None:
    made = network()
    context, actions = made.encode({"features": torch.randn(2, 3)}), torch.randn(2, 5, 4)
    shared = made(context, actions, torch.full((1, 1), 0.3))
    torch.testing.assert_close(shared, made(context, actions, torch.full((2, 5), 0.3)))


def test_waves_tell_all_steps_of_a_schedule_apart() -> None:
    found = waves(torch.arange(100) / 100)
    assert found.shape == (100, 64)
    apart = torch.cdist(found, found) + 10 * torch.eye(100)
    assert apart.min() > 0.3
