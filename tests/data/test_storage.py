"""Episodes of any spaces come back as they were, and a segment is there whole or not at all."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from gymnasium import spaces
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from trials import trials

from ibc_gym.data import segments, storage
from ibc_gym.data.dataset import Dataset
from ibc_gym.data.demonstration import Demonstration, checksum
from ibc_gym.data.metadata import Metadata
from ibc_gym.data.recorder import Recorder
from ibc_gym.errors import ConfigError, SpecMismatch

DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"]


@st.composite
def data_sets(draw: st.DrawFn) -> tuple[Metadata, list[Demonstration]]:
    """Metadata of any boxes, and episodes that fit them, with columns and facts of any numbers beside."""
    inputs = {
        name: (draw(shapes()), np.dtype(draw(st.sampled_from(DTYPES[1:]))))
        for name in draw(
            st.sets(st.sampled_from(["state", "robot", "image", "image.left"]), min_size=1)
        )
    }
    size = draw(st.integers(1, 4))
    metadata = Metadata(
        task="anything",
        workcell="nowhere",
        observation_space=spaces.Dict(
            {name: whole_box(shape, dtype) for name, (shape, dtype) in inputs.items()}
        ),
        action_space=spaces.Box(-1, 1, (size,), np.float32),
        control_period=draw(st.floats(1e-3, 10)),
    )
    columns: dict[str, tuple[tuple[int, ...], np.dtype[Any]]]
    columns = {f"observation.{name}": kind for name, kind in inputs.items()}
    columns |= {"action": ((size,), np.dtype("f4"))}
    columns |= {name: ((), np.dtype("?")) for name in ("terminated", "truncated")}
    extra = {
        f"extra.{name}": (draw(shapes()), np.dtype(draw(st.sampled_from(DTYPES))))
        for name in draw(st.sets(st.sampled_from("abc")))
    }
    return metadata, draw(st.lists(episodes(columns, extra), min_size=1, max_size=4))


def shapes() -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.integers(1, 3), max_size=3).map(tuple)


def whole_box(shape: tuple[int, ...], dtype: np.dtype[Any]) -> spaces.Box:
    if dtype.kind == "f":
        return spaces.Box(-np.inf, np.inf, shape, dtype.type)
    limits = np.iinfo(dtype)
    return spaces.Box(limits.min, limits.max, shape, dtype.type)


@st.composite
def episodes(draw: st.DrawFn, columns: dict[str, Any], extra: dict[str, Any]) -> Demonstration:
    length = draw(st.integers(1, 6))

    def array(dtype: np.dtype[Any], shape: tuple[int, ...], *, finite: bool) -> Any:
        numbers = hnp.from_dtype(dtype, allow_nan=not finite, allow_infinity=not finite)
        return draw(hnp.arrays(dtype, shape, elements=numbers))

    steps = {
        name: array(dtype, (length, *shape), finite=name in columns)
        for name, (shape, dtype) in {**columns, **extra}.items()
    }
    facts = {name: array(dtype, shape, finite=False) for name, (shape, dtype) in extra.items()}
    return Demonstration(
        steps=steps,
        facts=facts,
        seed=draw(st.none() | st.integers(0, 2**63)),
        success=draw(st.none() | st.booleans()),
        total_reward=draw(st.none() | st.floats(allow_nan=False, allow_infinity=False)),
        fault=draw(st.none() | st.text()),
    )


def assert_same(one: Demonstration, other: Demonstration) -> None:
    for mine, theirs in ((one.steps, other.steps), (one.facts, other.facts)):
        assert mine.keys() == theirs.keys()
        for name, array in mine.items():
            assert theirs[name].dtype == array.dtype and theirs[name].shape == array.shape
            assert np.array_equal(theirs[name], array, equal_nan=array.dtype.kind == "f")
    for name in ("seed", "success", "total_reward", "fault"):
        assert getattr(one, name) == getattr(other, name)


@pytest.mark.slow
@settings(deadline=None, max_examples=trials(15), suppress_health_check=[HealthCheck.too_slow])
@given(data=data_sets(), commit_every=st.integers(1, 3))
def test_any_episodes_of_any_spaces_come_back_equal(
    data: tuple[Metadata, list[Demonstration]], commit_every: int
) -> None:
    metadata, recorded = data
    with tempfile.TemporaryDirectory() as folder:
        with Recorder(Path(folder) / "d.zarr", metadata, commit_every=commit_every) as recorder:
            for episode in recorded:
                recorder.append(episode)
        dataset = Dataset.open(Path(folder) / "d.zarr")
        assert len(dataset) == len(recorded)
        assert not dataset.verify()
        assert dataset.metadata.to_json() == metadata.to_json()
        assert dataset.spec.observation_space == metadata.observation_space
        read = [dataset.episode(number) for number in range(len(dataset))]
        pairs = zip(by_content(recorded), by_content(read), strict=True)
        for written, back in pairs:
            assert_same(written, back)


def by_content(found: list[Demonstration]) -> list[Demonstration]:
    """Within one commit, episodes are put in the order of their seeds."""
    return sorted(found, key=lambda episode: (checksum(episode), str(episode.seed), str(episode)))


def tiny(length: int = 3, *, seed: int | None = None, value: float = 0.0) -> Demonstration:
    truncated = np.zeros(length, np.bool_)
    truncated[-1] = True
    return Demonstration(
        steps={
            "observation.state": np.full((length, 2), value, np.float32),
            "action": np.full((length, 1), value, np.float32),
            "terminated": np.zeros(length, np.bool_),
            "truncated": truncated,
        },
        seed=seed,
    )


def tiny_metadata(**changes: Any) -> Metadata:
    fields: dict[str, Any] = {
        "task": "tiny",
        "workcell": "none",
        "observation_space": spaces.Dict({"state": spaces.Box(-9, 9, (2,), np.float32)}),
        "action_space": spaces.Box(-9, 9, (1,), np.float32),
        "control_period": 0.1,
    }
    return Metadata(**{**fields, **changes})


def test_any_zarr_reader_sees_committed_segments_only(tmp_path: Path) -> None:
    path = tmp_path / "d.zarr"
    storage.create(path, tiny_metadata())
    storage.write_segment(path, "a", [tiny(value=1), tiny(value=2)], tiny_metadata())
    storage.write_segment(path, "b", [tiny()], tiny_metadata())
    (path / "segments" / "b-000000" / "zarr.json").unlink()  # as if killed before the commit
    group = zarr.open_group(path / "segments", mode="r")
    with pytest.warns(UserWarning, match="not recognized"):
        names = list(group.group_keys())
    assert names == ["a-000000"]
    actions = zarr.open_group(path, mode="r")["segments/a-000000/steps/action"]
    assert isinstance(actions, zarr.Array)
    assert np.asarray(actions)[:, 0].tolist() == [1, 1, 1, 2, 2, 2]
    assert segments.segment_names(path) == (["a-000000"], ["b-000000"])


def test_segment_that_fails_midway_leaves_no_trace_for_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "d.zarr"
    storage.create(path, tiny_metadata())

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage, "_publish", full_disk)
    with pytest.raises(OSError, match="No space"):
        storage.write_segment(path, "a", [tiny()], tiny_metadata())
    dataset = Dataset.open(path)
    assert len(dataset) == 0 and dataset.uncommitted == ("a-000000",)


def test_writers_of_one_name_never_share_a_segment(tmp_path: Path) -> None:
    path = tmp_path / "d.zarr"
    storage.create(path, tiny_metadata())
    names = [storage.write_segment(path, "w", [tiny()], tiny_metadata()) for _ in range(3)]
    assert names == ["w-000000", "w-000001", "w-000002"]


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"task": "other"}, "the task is 'tiny'"),
        ({"control_period": 0.2}, "the control period is 0.1 s"),
        ({"action_space": spaces.Box(-9, 9, (2,), np.float32)}, "actions are Box"),
        (
            {"observation_space": spaces.Dict({"robot": spaces.Box(-9, 9, (2,), np.float32)})},
            "the inputs are state in one and robot",
        ),
        (
            {"observation_space": spaces.Dict({"state": spaces.Box(-1, 9, (2,), np.float32)})},
            "input 'state' is",
        ),
    ],
)
def test_other_demonstrations_are_refused_and_the_difference_is_named(
    tmp_path: Path, changes: dict[str, Any], difference: str
) -> None:
    storage.create(tmp_path / "d.zarr", tiny_metadata())
    with pytest.raises(SpecMismatch, match=difference):
        storage.create(tmp_path / "d.zarr", tiny_metadata(**changes))


def test_a_folder_with_other_things_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ConfigError, match=r"holds 'thesis.tex'"):
        storage.create(tmp_path, tiny_metadata())
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


def test_long_arrays_are_cut_into_chunks_that_share_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "CHUNK_BYTES", 64)
    monkeypatch.setattr(storage, "SHARD_BYTES", 256)
    path = tmp_path / "d.zarr"
    metadata = tiny_metadata()
    storage.create(path, metadata)
    episode = tiny(length=100)
    episode.steps["observation.state"][:] = np.arange(200).reshape(100, 2)
    storage.write_segment(path, "w", [episode], metadata)
    folder = path / "segments" / "w-000000"
    array = zarr.open_group(folder, mode="r")["steps/observation.state"]
    assert isinstance(array, zarr.Array)
    assert array.chunks == (8, 2) and array.shards == (32, 2)
    dataset = Dataset.open(path)
    assert not dataset.verify()
    assert np.array_equal(dataset.column("observation.state"), episode.steps["observation.state"])


def test_episodes_of_one_segment_must_have_the_same_columns(tmp_path: Path) -> None:
    path = tmp_path / "d.zarr"
    storage.create(path, tiny_metadata())
    other = tiny()
    richer = Demonstration(steps={**other.steps, "reward": np.zeros(3)})
    with pytest.raises(SpecMismatch, match="same columns"):
        storage.write_segment(path, "w", [other, richer], tiny_metadata())
