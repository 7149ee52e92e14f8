"""Fixtures that several files of tests share."""

from __future__ import annotations

import pytest

from ibc_gym import registry


@pytest.fixture
def toy_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry with a small policy in it; checkpoints do not wait for the disk, since no power is cut here."""
    monkeypatch.setitem(registry.POLICIES, "toy", "toys:Toy")
    monkeypatch.setattr("ibc_gym.atomic._flush", lambda path: None)
