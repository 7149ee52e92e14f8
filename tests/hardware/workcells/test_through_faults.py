"""Whatever goes wrong while demonstrations are recorded or a policy is evaluated: the arm stands, the message says what to do.

Nothing that was committed is lost, and nothing is silently wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fault_bench import FARTHER, SHORT, TROUBLES, WORKCELL, Plan, Table, Trouble

from ibc_gym.data.dataset import Dataset
from ibc_gym.evaluation.evaluator import evaluate
from ibc_gym.evaluation.results import EvalConfig, read_evaluation
from ibc_gym.hardware.rig.schedule import known
from ibc_gym.record import RecordConfig, record

pytestmark = pytest.mark.realtime

each_trouble = pytest.mark.parametrize(
    "table, trouble",
    [pytest.param(each.of_cameras, each, id=each.words) for each in TROUBLES],
    indirect=["table"],
    scope="module",
)


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    """One table for all that happens to its controller, and one with cameras for what happens to them."""
    table = Table(cameras=request.param)
    yield table
    table.close()


@pytest.fixture(scope="module")
def out(table: Table, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data set with an episode that was committed before anything went wrong.

    In the end every array of all its episodes is read and held against its checksum.
    """
    out = tmp_path_factory.mktemp("recorded") / "demos.zarr"
    with table.given_to_programs(Plan(seed=-1, begin=lambda: None)):
        record(recording(table, out, SHORT))
    yield out
    assert not Dataset.open(out).verify()


def recording(table: Table, out: Path, seed: int) -> RecordConfig:
    """One more episode into the same data set."""
    return RecordConfig(
        task="reach",
        out=out,
        episodes=1,
        seed=seed,
        workcell=WORKCELL,
        observation=table.observation,
        options=table.options,
    )


def test_no_fault_is_left_out() -> None:
    words = " ".join(each.words for each in TROUBLES)
    assert set(re.findall(r"(?<![\w.+])[a-z]+(?:-[a-z]+)*", words)) == set(known())


@each_trouble
def test_trouble_while_recording(table: Table, out: Path, trouble: Trouble) -> None:
    seed, before = FARTHER[TROUBLES.index(trouble)], committed(out)
    with table.lives_through(trouble, seed) as expected, expected:
        record(recording(table, out, seed))
    after = committed(out)
    last = after.pop(seed)
    assert after == before, "what was committed before is there as it was"
    steps = steps_of(out, seed)
    if trouble.told is None:
        assert last.fault is None and last.success
        assert steps["progress.setpoints_late"][-1] >= trouble.late
    else:
        assert last.fault is not None and re.search(trouble.told, last.fault)
        assert not last.success and steps["truncated"][-1]
        assert last.length > 1, "what came before it is kept"


@each_trouble
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


def committed(out: Path) -> dict[int | None, Any]:
    """What the data set has by its seeds."""
    dataset = Dataset.open(out)
    assert not dataset.damaged
    entries = {entry.seed: entry for entry in dataset.entries}
    assert len(entries) == len(dataset.entries)
    return entries


def steps_of(out: Path, seed: int) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
    """The step columns of one episode."""
    dataset = Dataset.open(out)
    number = [entry.seed for entry in dataset.entries].index(seed)
    return dict(dataset[number].steps)
