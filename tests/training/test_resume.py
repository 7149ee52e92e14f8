"""A run that was broken off anywhere goes on as if nothing had been, to the bit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import (
    OFTEN,
    Stop,
    everything,
    record,
    run,
    settings,
    training_set,
)

from ibc_gym import loading, tables
from ibc_gym.checkpoint import FITTED, find_policy, read_json
from ibc_gym.errors import (
    CheckpointError,
    ConfigError,
)
from ibc_gym.policies.mse import MSEConfig
from ibc_gym.training.records import TrainingProgress
from ibc_gym.training.trainer import train, train_on

pytestmark = pytest.mark.usefixtures("toy_policy")


@pytest.mark.parametrize("at", [1, 5, 7, 20, 35, 60])
def test_run_broken_off_anywhere_and_resumed_equals_the_whole_one(tmp_path: Path, at: int) -> None:
    run(tmp_path / "whole")

    def stop(progress: TrainingProgress) -> None:
        if progress.step >= at:
            raise Stop

    with pytest.raises(Stop):
        train_on(settings(tmp_path / "broken"), training_set(), stop)
    result = train_on(settings(tmp_path / "broken", resume=True), training_set())
    assert result.steps == 60
    assert everything(tmp_path / "broken") == everything(tmp_path / "whole")


CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
import toys
toys.tables.POLICIES["toy"] = "toys:Toy"
config = toys.settings(toys.Path(sys.argv[2]), resume=True, **toys.OFTEN)
toys.train_on(config, toys.training_set(), lambda progress: print(progress.step, flush=True))
"""


def test_process_killed_at_random_instants_and_resumed_equals_the_whole_run(tmp_path: Path) -> None:
    """Real processes, `kill -9`: in an update, in a checkpoint, in a line of the log, wherever it hits."""
    run(tmp_path / "whole", **OFTEN)
    seed = int(
        np.random.SeedSequence().generate_state(1)[0]
    )  # other instants at every run of the test
    print(f"The instants of the kills are drawn from seed {seed}.")  # shown if it fails
    rng = np.random.default_rng(seed)
    command = [sys.executable, "-c", CHILD, str(Path(__file__).parent), str(tmp_path / "killed")]
    for _ in range(3):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for _ in range(int(rng.integers(1, 60))):
                child.stdout.readline()
            child.kill()
    train_on(settings(tmp_path / "killed", resume=True, **OFTEN), training_set())
    assert everything(tmp_path / "killed") == everything(tmp_path / "whole")
    left = sorted(path.name for path in (tmp_path / "killed" / "checkpoints").iterdir())
    assert left == sorted(path.name for path in (tmp_path / "whole" / "checkpoints").iterdir())


def test_finished_run_that_is_resumed_stays_as_it_is(tmp_path: Path) -> None:
    run(tmp_path)
    before = everything(tmp_path)
    result = run(tmp_path, resume=True)
    assert result.steps == 60
    assert everything(tmp_path) == before


def test_finished_run_that_is_resumed_says_its_loss(tmp_path: Path) -> None:
    first = run(tmp_path)
    assert first.loss is not None
    for _ in range(2):
        assert run(tmp_path, resume=True).loss == first.loss


@pytest.mark.parametrize("log", [True, False])
def test_run_of_an_earlier_version_goes_on_with_the_loss_that_its_log_tells(
    tmp_path: Path, log: bool
) -> None:
    first = run(tmp_path)
    path = tmp_path / "checkpoints" / "last" / "training_state" / "state.json"
    state = json.loads(path.read_text())
    del state["loss"]
    path.write_text(json.dumps({**state, "format_version": 3}))
    if not log:
        (tmp_path / "metrics.jsonl").unlink()
    result = run(tmp_path, resume=True)
    assert (result.steps, result.loss) == (60, first.loss if log else None)


def test_resuming_nothing_begins_anew(tmp_path: Path) -> None:
    run(tmp_path / "a", resume=True)
    run(tmp_path / "b")
    assert everything(tmp_path / "a")["tensors"] == everything(tmp_path / "b")["tensors"]


def test_run_cannot_be_resumed_with_other_settings(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(
        ConfigError, match=r"begun with TrainConfig\.learning_rate 0\.05, but.*0\.1"
    ):
        run(tmp_path, learning_rate=0.1, resume=True)


def test_run_cannot_be_resumed_on_other_data(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(CheckpointError, match=r"other data.*f00.*bad"):
        train_on(settings(tmp_path, resume=True), training_set(fingerprint="bad"))
    with pytest.raises(CheckpointError, match=r"now 0123456789ab\)"):
        train_on(settings(tmp_path, resume=True), training_set(fingerprint="0123456789abcdef"))


def test_damaged_training_state_is_named(tmp_path: Path) -> None:
    run(tmp_path)
    newest = tmp_path / "checkpoints" / "last" / "training_state" / "tensors.safetensors"
    newest.write_bytes(newest.read_bytes()[:50])
    with pytest.raises(CheckpointError, match=r"training state in .*000060 is damaged"):
        run(tmp_path, resume=True)


@pytest.mark.parametrize(
    "lost", ("training_state/state.json", "pretrained_model/train_config.json")
)
def test_checkpoint_that_lacks_a_file_is_named_with_the_way_on(tmp_path: Path, lost: str) -> None:
    run(tmp_path)
    (tmp_path / "checkpoints" / "last" / lost).unlink()
    with pytest.raises(CheckpointError, match=rf"{lost}.*go on from the checkpoint before it"):
        run(tmp_path, resume=True)


def test_fitted_numbers_that_are_not_those_that_were_saved_are_named(tmp_path: Path) -> None:
    run(tmp_path)
    (find_policy(tmp_path) / FITTED).write_text("{}")
    with pytest.raises(CheckpointError, match=rf"{FITTED} is not what was saved"):
        run(tmp_path, resume=True)


def test_run_is_not_resumed_when_data_were_added(tmp_path: Path) -> None:
    data = record(tmp_path / "demos.zarr", 5)
    train(settings(tmp_path / "run", data=data))
    record(data, 1)
    with pytest.raises(CheckpointError, match="other data"):
        train(settings(tmp_path / "run", data=data, resume=True))


def test_resumed_run_sees_what_it_saw_before_whatever_would_be_fitted_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a later version makes other normalisers of the same demonstrations."""
    changes: dict[str, Any] = {"policy": "mse", "policy_config": MSEConfig(history=1)}
    run(tmp_path, **changes, steps=4, schedule="constant")
    monkeypatch.setattr("ibc_gym.normalise._varies", lambda spreads, _: spreads < 0)
    run(tmp_path, **changes, steps=6, schedule="constant", resume=True)
    before, after = (
        read_json(find_policy(tmp_path / "checkpoints" / step) / FITTED)
        for step in ("000004", "000006")
    )
    assert after == before


@pytest.mark.parametrize("name", list(tables.POLICIES))
def test_every_policy_resumes_to_the_bit(tmp_path: Path, name: str) -> None:
    changes: dict[str, Any] = {
        "policy": name,
        "policy_config": loading.load(tables.POLICIES, name, "policy").Config(history=1),
        "steps": 6,
        "validate_every": 3,
        "log_every": 1,
        "checkpoint_every": 2,
        "validation_windows": 4,
    }
    run(tmp_path / "whole", **changes)

    def stop(progress: TrainingProgress) -> None:
        if progress.step == 5 or progress.share == 1:  # a table is done at once
            raise Stop

    with pytest.raises(Stop):
        train_on(settings(tmp_path / "broken", **changes), training_set(), stop)
    train_on(settings(tmp_path / "broken", resume=True, **changes), training_set())
    assert everything(tmp_path / "broken") == everything(tmp_path / "whole")
