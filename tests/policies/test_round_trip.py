"""Every kind of policy comes back from its checkpoint as it was, whatever it is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_policies import (
    CONFIGS,
    PICTURE,
    POLICIES,
    MakeSpec,
    MakeWindows,
    made,
    observations,
    trained,
)

from ibc_gym import tables
from ibc_gym.checkpoint import load_policy, save_policy


@pytest.mark.parametrize("name", CONFIGS)
def test_loaded_policy_acts_and_is_judged_as_the_saved_one(
    name: str, tmp_path: Path, make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    config = CONFIGS[name]
    windows = make_windows(history=config.history, picture=PICTURE)
    saved: Any = trained(made(config, make_spec(PICTURE)), windows, steps=2)
    saved.eval()
    path = f"{POLICIES[type(config)].__module__}:{POLICIES[type(config)].__name__}"
    (row,) = (row for row, where in tables.POLICIES.items() if where == path)
    save_policy(tmp_path, row, saved)
    loaded: Any = load_policy(tmp_path)
    assert loaded.config == config
    batch = saved.encode(windows).batch(torch.arange(8))
    found = []
    for policy in (saved, loaded):
        policy.reset(np.ones(3, bool), [1, 2, 3])
        acted = policy.act(observations(windows, slice(0, 3)))
        found.append((acted.tobytes(), policy.validate(batch, torch.Generator().manual_seed(0))))
    assert found[0] == found[1]
