"""Windows never straddle episodes, splits are by episode, damage is named and hides nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.data.dataset import Dataset, window_index
from ibc_gym.data.demonstration import Demonstration
from ibc_gym.data.metadata import Metadata
from ibc_gym.data.recorder import Recorder
from ibc_gym.errors import ConfigError, DatasetCorrupt, UnknownName

PICTURE = (48, 64, 3)


def metadata(**changes: Any) -> Metadata:
    inputs: dict[str, spaces.Space[Any]] = {
        "state": spaces.Box(-np.inf, np.inf, (2,), np.float32),
        "image": spaces.Box(0, 255, PICTURE, np.uint8),
    }
    fields: dict[str, Any] = {
        "task": "made-up",
        "workcell": "none",
        "observation_space": spaces.Dict(inputs),
        "action_space": spaces.Box(-9, 9, (1,), np.float32),
        "control_period": 0.1,
    }
    return Metadata(**{**fields, **changes})


def episode(number: int, length: int, *, success: bool | None = None) -> Demonstration:
    """Every number in it tells the episode and the step."""
    steps = np.arange(length)
    images = np.zeros((length, *PICTURE), np.uint8)
    images[...] = (number * 16 + steps).reshape(-1, 1, 1, 1) % 256
    truncated = steps == length - 1
    return Demonstration(
        steps={
            "observation.state": np.stack([np.full(length, number), steps], 1).astype(np.float32),
            "observation.image": images,
            "action": (number + steps[:, None] / 100).astype(np.float32),
            "reward": np.full(length, 0.5),
            "terminated": np.zeros(length, np.bool_),
            "truncated": truncated,
        },
        facts={"final_observation.state": np.array([number, length], np.float32)},
        seed=number,
        success=success,
        total_reward=length / 2,
    )


def write(path: Path, lengths: Sequence[int], *, commit_every: int = 2) -> Path:
    with Recorder(path, metadata(), commit_every=commit_every, writer="w") as recorder:
        for number, length in enumerate(lengths):
            recorder.append(episode(number, length, success=number % 2 == 0))
    return path


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    return write(tmp_path / "d.zarr", [3, 1, 4, 2, 5])


@given(st.lists(st.integers(1, 6), min_size=1, max_size=8), st.integers(1, 5))
def test_windows_stay_inside_their_episode_and_repeat_its_first_observation(
    lengths: list[int], history: int
) -> None:
    index = window_index(np.array(lengths), history)
    assert index.shape == (sum(lengths), history)
    row = 0
    for length in lengths:
        start = row
        for step in range(length):
            expected = [start + max(0, step - back) for back in reversed(range(history))]
            assert index[row].tolist() == expected
            row += 1


def test_windows_join_observations_with_the_action_that_followed(recorded: Path) -> None:
    windows = Dataset.open(recorded).windows(2)
    newest = windows.observation("state")[:, -1].astype(np.float32)
    assert len(windows) == 15
    assert np.allclose(windows.action[:, 0], newest[:, 0] + newest[:, 1] / 100)
    assert windows.episode.tolist() == newest[:, 0].tolist()
    assert windows.action.dtype == np.float32


def test_windows_of_some_episodes_hold_only_their_frames(recorded: Path) -> None:
    windows = Dataset.open(recorded).windows(3, episodes=[4, 1], names=["state"])
    assert set(windows.frames) == {"state"}
    assert windows.frames["state"][:, 0].tolist() == [4, 4, 4, 4, 4, 1]
    assert windows.episode.tolist() == [4, 4, 4, 4, 4, 1]
    assert windows.index.max() == 5


def test_pictures_are_read_as_they_are_indexed(recorded: Path) -> None:
    dataset = Dataset.open(recorded)
    frames: Any = dataset.windows(2).frames["image"]
    whole = dataset.column("observation.image")
    assert not isinstance(frames, np.ndarray) and frames.shape == whole.shape == (15, *PICTURE)
    assert np.array_equal(np.asarray(frames), whole)
    assert np.array_equal(frames[7], whole[7])


def test_data_set_is_a_sequence_of_demonstrations(recorded: Path) -> None:
    dataset = Dataset.open(recorded)
    assert [demonstration.seed for demonstration in dataset] == [0, 1, 2, 3, 4]
    assert (dataset[2].seed, dataset[-1].seed, dataset.episode(1).length) == (2, 4, 1)
    for number in (5, -6):
        with pytest.raises(IndexError, match=rf"has 5 episodes, there is no number {number}"):
            dataset[number]
    assert repr(dataset) == f"<Dataset '{recorded}': 5 episodes, 15 steps of 'made-up' by unknown>"


def test_only_successes_can_be_chosen(recorded: Path) -> None:
    dataset = Dataset.open(recorded)
    assert dataset.success.tolist() == [True, False, True, False, True]
    assert set(dataset.windows(1, np.flatnonzero(dataset.success)).episode) == {0, 2, 4}


@given(st.integers(2, 60), st.floats(0.01, 0.5), st.integers(0, 2**32 - 1))
def test_split_gives_every_episode_to_one_side_and_is_reproducible(
    episodes: int, fraction: float, seed: int
) -> None:
    class Many(Dataset):
        def __len__(self) -> int:
            return episodes

    dataset = Many(Path("nowhere"), metadata(), [])
    training, validation = dataset.split(fraction, np.random.default_rng(seed))
    again, _ = dataset.split(fraction, np.random.default_rng(seed))
    assert sorted([*training, *validation]) == list(range(episodes))
    assert len(validation) == max(1, round(fraction * episodes)) and len(training) > 0
    assert training.tolist() == again.tolist() == sorted(training)


def test_split_without_validation_holds_nothing_out(recorded: Path) -> None:
    training, validation = Dataset.open(recorded).split(0.0, np.random.default_rng(0))
    assert training.tolist() == [0, 1, 2, 3, 4] and len(validation) == 0


def test_split_that_leaves_nothing_to_train_on_is_refused(tmp_path: Path) -> None:
    dataset = Dataset.open(write(tmp_path / "d.zarr", [3]))
    with pytest.raises(ConfigError, match="too few"):
        dataset.split(0.1, np.random.default_rng(0))


def test_columns_facts_and_table_belong_together(recorded: Path) -> None:
    dataset = Dataset.open(recorded)
    assert dataset.lengths.tolist() == [3, 1, 4, 2, 5] and dataset.steps == 15
    assert dataset.episode_ends.tolist() == [3, 4, 8, 10, 15]
    assert dataset.fact("final_observation.state")[:, 1].tolist() == [3, 1, 4, 2, 5]
    assert dataset.returns.tolist() == [1.5, 0.5, 2, 1, 2.5]
    assert [entry.seed for entry in dataset.entries] == [0, 1, 2, 3, 4]
    assert dataset.column("observation.state")[:, 1].tolist() == [
        *range(3),
        *range(1),
        *range(4),
        *range(2),
        *range(5),
    ]
    chosen = dataset.select([3, 0])
    assert chosen.column("action")[:, 0].round().tolist() == [3, 3, 0, 0, 0]


def test_column_in_memory_cannot_be_written_to(recorded: Path) -> None:
    column = Dataset.open(recorded).column("action")
    with pytest.raises(ValueError, match="read-only"):
        column[0] = 1


def test_fingerprint_changes_with_content_and_order_only(tmp_path: Path) -> None:
    one = Dataset.open(write(tmp_path / "a.zarr", [3, 1, 4], commit_every=1))
    same = Dataset.open(write(tmp_path / "b.zarr", [3, 1, 4], commit_every=3))
    other = Dataset.open(write(tmp_path / "c.zarr", [3, 1, 5]))
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert one.select([1, 0, 2]).fingerprint != one.fingerprint


def test_unknown_names_are_answered_with_the_known_ones(recorded: Path) -> None:
    dataset = Dataset.open(recorded)
    with pytest.raises(UnknownName, match=r"'observation\.state'"):
        dataset.column("observation.stat")
    with pytest.raises(UnknownName, match="Known: image, state"):
        dataset.windows(2, names=["pose"])
    with pytest.raises(UnknownName, match=r"final_observation\.state"):
        dataset.fact("final_observation")
    with pytest.raises(ConfigError, match="episodes 0 to 4"):
        dataset.windows(2, episodes=[5])


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no data set at"):
        Dataset.open(tmp_path / "nothing.zarr")


def test_folder_that_is_no_data_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not one of our data sets"):
        Dataset.open(tmp_path)


@pytest.mark.parametrize("skip_damaged", [False, True])
def test_data_set_without_its_segments_is_named_with_what_is_missing(
    recorded: Path, skip_damaged: bool
) -> None:
    shutil.rmtree(recorded / "segments")
    with pytest.raises(DatasetCorrupt, match=rf"{recorded} has no folder `segments`"):
        Dataset.open(recorded, skip_damaged=skip_damaged)


def test_newer_format_is_refused(recorded: Path) -> None:
    root = recorded / "zarr.json"
    root.write_text(root.read_text().replace('"format":1', '"format":99'))
    with pytest.raises(ConfigError, match="format 99"):
        Dataset.open(recorded)


def test_data_set_without_episodes_opens_and_says_so_when_used(tmp_path: Path) -> None:
    with Recorder(tmp_path / "d.zarr", metadata()):
        pass
    dataset = Dataset.open(tmp_path / "d.zarr")
    assert len(dataset) == 0 and dataset.column("action").shape == (0, 1)
    with pytest.raises(ConfigError, match="no episodes"):
        dataset.windows(2)


def data_file(path: Path, segment: str, array: str) -> Path:
    (file,) = [
        file
        for file in (path / "segments" / segment / array).rglob("*")
        if file.is_file() and file.name != "zarr.json"
    ]
    return file


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-3])


@pytest.mark.parametrize("harm", [flip, cut, Path.unlink])
@pytest.mark.parametrize("array", ["steps/action", "steps/observation.image"])
def test_damaged_chunk_is_named_by_verify_and_hides_no_other_segment(
    recorded: Path, harm: Any, array: str
) -> None:
    harm(data_file(recorded, "w-000001", array))
    dataset = Dataset.open(recorded)
    found = dataset.verify()
    assert [(damage.segment, damage.episode) for damage in found] == [
        ("w-000001", 2),
        ("w-000001", 3),
    ]
    assert array in found[0].reason
    with pytest.raises(DatasetCorrupt, match=f"{array}.*w-000001") as caught:
        dataset.column(array.removeprefix("steps/"))
    assert ".. `ibc-gym data verify`" not in str(caught.value)
    assert "b'" not in str(caught.value) and 'b"' not in str(caught.value)
    whole = Dataset.open(recorded, skip_damaged=True)
    assert [entry.seed for entry in whole.entries] == [0, 1, 4]
    assert whole.damaged == found and not whole.select([0, 1, 2]).column("action")[0, 0]
    with pytest.raises(DatasetCorrupt, match="2 of 5 episodes damaged"):
        Dataset.open(recorded, verify=True)


def test_other_numbers_under_a_valid_chunk_are_found_by_the_checksum(recorded: Path) -> None:
    group = zarr.open_group(recorded / "segments" / "w-000000", mode="r+")
    array = group["steps/action"]
    assert isinstance(array, zarr.Array)
    array[3] = 0.25  # the second episode's only step
    file = data_file(recorded, "w-000000", "steps/action")
    segment = recorded / "segments" / "w-000000" / "zarr.json"
    text = segment.read_text()
    size = text.split('"steps/action/c/0/0":')[1].split(",")[0].split("}")[0]
    segment.write_text(
        text.replace(f'"steps/action/c/0/0":{size}', f'"steps/action/c/0/0":{file.stat().st_size}')
    )
    found = Dataset.open(recorded).verify()
    assert [damage.episode for damage in found] == [1]
    assert "checksum differs" in found[0].reason


def test_segment_with_a_damaged_description_is_named_and_can_be_left_out(recorded: Path) -> None:
    file = recorded / "segments" / "w-000001" / "zarr.json"
    file.write_text(file.read_text()[:-20])
    with pytest.raises(DatasetCorrupt, match=r"w-000001.*2 other segments"):
        Dataset.open(recorded)
    dataset = Dataset.open(recorded, skip_damaged=True)
    assert len(dataset) == 3 and dataset.damaged[0].segment == "w-000001"


def test_segment_of_other_spaces_is_not_mixed_in(recorded: Path, tmp_path: Path) -> None:
    other = metadata(task="something else")
    with Recorder(tmp_path / "other.zarr", other, writer="x") as recorder:
        recorder.append(episode(0, 2))
    (tmp_path / "other.zarr/segments/x-000000").rename(recorded / "segments/x-000000")
    with pytest.raises(DatasetCorrupt, match="x-000000 does not belong"):
        Dataset.open(recorded)


def test_opening_and_verifying_change_nothing_on_the_disk(recorded: Path) -> None:
    (recorded / "segments" / "dead-000000" / "steps").mkdir(parents=True)
    before = {file: file.stat().st_mtime_ns for file in recorded.rglob("*")}
    dataset = Dataset.open(recorded, verify=True)
    dataset.windows(2)
    assert dataset.uncommitted == ("dead-000000",)
    assert {file: file.stat().st_mtime_ns for file in recorded.rglob("*")} == before
