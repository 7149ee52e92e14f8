"""Whatever goes wrong while a policy is evaluated: the episodes before are kept, the arm stands, the message says what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_bench import SHORT, TROUBLES, WORKCELL, Table, Trouble

from ibc_gym.evaluation.evaluator import evaluate
from ibc_gym.evaluation.results import EvalConfig, read_evaluation

pytestmark = pytest.mark.realtime


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    """One table for all that happens to its controller, and one with cameras for what happens to them."""
    table = Table(cameras=request.param)
    yield table
    table.close()


@pytest.mark.parametrize(
    "table, trouble",
    [pytest.param(each.of_cameras, each, id=each.word) for each in TROUBLES],
    indirect=["table"],
    scope="module",
)
def test_trouble_while_evaluating(table: Table, tmp_path: Path, trouble: Trouble) -> None:
    config = EvalConfig(
        policy="oracle",
        env="reach",
        workcell=WORKCELL,
        options=table.options | {"observation": table.observation},
        episodes=2,
        first_seed=SHORT,
        out=tmp_path / "run",
    )
    with table.lives_through(trouble, SHORT + 1) as expected, expected as raised:
        evaluate(config)
    (folder,) = (tmp_path / "run" / "evaluations").iterdir()
    kept = read_evaluation(folder)
    first, *others = kept.episodes
    assert first.seed == SHORT and first.success
    if trouble.told is None:
        (second,) = others
        assert second.seed == SHORT + 1 and second.success
        assert second.metrics["setpoints_late"] >= trouble.late
    else:
        assert not others, "an episode that was cut off is no result"
        cut_off = json.loads((folder / "evaluation.json").read_text())["cut_off"]
        assert re.search(trouble.told, cut_off)
        assert re.search(r"1 episode in .*run", str(raised.value))
