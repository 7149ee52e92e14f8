"""Whatever counter-examples an implicit policy is trained by: rounding changes little, and what is broken is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pytest
import torch
from small_policies import SMALL, Fitted, MakeWindows, observations

from ibc_gym.errors import TrainingDiverged
from ibc_gym.policies.ebm import EBMConfig
from ibc_gym.policies.negatives import NegativesConfig
from ibc_gym.policies.optimisers.dfo import DFOConfig
from ibc_gym.policies.optimisers.langevin import LangevinConfig
from ibc_gym.policies.proposal import ProposalConfig

WALK: Final = LangevinConfig(samples=8, iterations=3, noise=0.0)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


SOURCES: dict[str, EBMConfig] = {
    "uniform": EBMConfig(late_fusion=SMALL, negatives=NegativesConfig(uniform=4, anchored=0)),
    "anchored": EBMConfig(late_fusion=SMALL, negatives=NegativesConfig(uniform=0, anchored=4)),
    "dfo": EBMConfig(late_fusion=SMALL, negatives=NegativesConfig(uniform=0, anchored=0, dfo=4)),
    "dfo-bfloat16": EBMConfig(
        late_fusion=SMALL,
        negatives=NegativesConfig(uniform=0, anchored=0, dfo=4),
        dfo=DFOConfig(bfloat16=True),
    ),
    "langevin": EBMConfig(late_fusion=SMALL, optimiser="langevin", langevin=WALK),
    "langevin-bfloat16": EBMConfig(
        late_fusion=SMALL, optimiser="langevin", langevin=replace(WALK, bfloat16=True)
    ),
    "proposal": EBMConfig(
        late_fusion=SMALL,
        negatives=NegativesConfig(uniform=0, anchored=0, proposal=4),
        proposal=ProposalConfig(width=8),
    ),
    "flow": EBMConfig(
        late_fusion=SMALL,
        negatives=NegativesConfig(uniform=0, anchored=0, proposal=4),
        proposal=ProposalConfig(kind="flow", width=8, pieces=4),
    ),
    "multi-scale": EBMConfig(
        late_fusion=SMALL,
        negatives=NegativesConfig(
            uniform=0, anchored=4, anchor_scales="each", anchor_edge="reflect"
        ),
    ),
    "cd_kl": EBMConfig(late_fusion=SMALL, loss="cd_kl", optimiser="langevin", langevin=WALK),
}


@pytest.mark.parametrize("source", SOURCES)
def test_loss_in_bfloat16_is_that_of_single_precision_but_for_rounding(
    fitted: Fitted, source: str
) -> None:
    policy, batch = fitted(SOURCES[source])
    exactly, _ = policy.loss(batch, generator())
    with torch.autocast("cpu", torch.bfloat16):
        rounded, _ = policy.loss(batch, generator())
    rounded.backward()
    assert rounded.item() == pytest.approx(exactly.item(), rel=0.1, abs=0.1)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_broken_data_are_named_whatever_counter_examples_there_are(
    fitted: Fitted, source: str, broken: float
) -> None:
    policy, batch = fitted(SOURCES[source])
    for name in ("features", "action"):
        spoiled = {key: values.clone() for key, values in batch.items()}
        spoiled[name][3, 0] = broken
        with pytest.raises(TrainingDiverged, match=f"neither is '{name}' in the batch"):
            policy.loss(spoiled, generator())


@pytest.mark.parametrize("source", SOURCES)
def test_broken_weights_are_named_in_training_and_when_acting(
    fitted: Fitted, make_windows: MakeWindows, source: str
) -> None:
    policy, batch = fitted(SOURCES[source])
    for name, parameter in policy.named_parameters():
        kept = parameter.detach().clone()
        with torch.no_grad():
            parameter.view(-1)[0] = torch.nan
        with pytest.raises(TrainingDiverged, match=f"'{name}'"):
            policy.loss(batch, generator())
        if name.startswith("network"):
            policy.reset(np.ones(1, bool), [0])
            with pytest.raises(TrainingDiverged, match=f"'{name}'"):
                policy.act(observations(make_windows(), slice(0, 1)))
        with torch.no_grad():
            parameter.copy_(kept)
    policy.loss(batch, generator())
