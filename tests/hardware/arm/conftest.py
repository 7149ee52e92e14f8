"""One emulated controller per file of tests, clean before each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from arm_bench import Bench
from arm_bench import bench as make_bench


@pytest.fixture(scope="module")
def shared_bench() -> Iterator[Bench]:
    with make_bench() as bench:
        yield bench


@pytest.fixture
def bench(shared_bench: Bench) -> Bench:
    shared_bench.clean()
    return shared_bench
