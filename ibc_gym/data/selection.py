"""Which episodes are worth learning from, by what they achieved."""

from __future__ import annotations

import math

import numpy as np

from ibc_gym.data.dataset import Dataset
from ibc_gym.errors import ConfigError
from ibc_gym.records import Int64
from ibc_gym.words import count

_ROUNDING = 1e-9
"""Seven hundredths of a hundred episodes are seven, whatever their product in floating point."""


def top_episodes(dataset: Dataset, share: float) -> Int64:
    """The episodes of the highest return, sorted by number; of equal ones the earlier are taken first.

    What an error cut off before it succeeded is no demonstration, and never among them.

    Args:
        dataset: What there is to choose from.
        share: Of the episodes, in (0, 1]; rounded up.

    Raises:
        ConfigError: Some of them have no return to be ranked by, although not all are wanted.
    """
    cut_off = [entry.fault is not None and not entry.success for entry in dataset.entries]
    whole = np.flatnonzero(~np.array(cut_off, dtype=np.bool_)).astype(np.int64)
    if share == 1:
        return whole
    returns = dataset.returns[whole]
    if unknown := int(np.isnan(returns).sum()):
        raise ConfigError(
            f"{dataset.path}: {unknown} of {count(len(whole), 'episode')} have no return, so the best "
            f"{share:.0%} cannot be told. Record with rewards, or train on all of them (--keep-top 1)."
        )
    kept = math.ceil(share * len(whole) - _ROUNDING)
    best = np.argsort(-returns, kind="stable")[:kept]
    return whole[np.sort(best)]
