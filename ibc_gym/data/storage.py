"""Demonstrations on disk: one Zarr folder, segments that exist whole or not at all.

The layout is described in docs/data-format.md. A segment holds one or more whole episodes, one behind the other; its
own group metadata, which carries the table of those episodes, is written last, in one atomic step. Without it no Zarr
reader sees a group there, so a process that is killed leaves no half episode behind.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from ibc_gym.data.demonstration import Array, Demonstration, Entry, checksum, signature
from ibc_gym.data.metadata import Metadata, check_node_name
from ibc_gym.data.segments import FORMAT, KEY, read_metadata
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.paths import writable_folder

CHUNK_BYTES: Final = 1 << 20
"""Rows are put into one chunk up to about this size, so images come a few to a chunk."""
SHARD_BYTES: Final = 1 << 28
"""Chunks are put into one file up to about this size."""
FLUSHERS: Final = 16
"""Files that are flushed to the disk at the same time."""


def create(path: Path, metadata: Metadata) -> None:
    """Make an empty data set, or check that the one that is there takes the same data.

    Raises:
        ConfigError: The folder cannot be written, or holds something else.
        SpecMismatch: A data set of another task, other spaces or another rate is there.
    """
    root = path / "zarr.json"
    writable_folder(path)
    if not root.exists():
        # Another writer may be making the same data set right now: what it has put there is no stranger.
        strangers = [entry.name for entry in path.iterdir() if not _may_be_ours(entry.name)]
        if strangers:
            raise ConfigError(
                f"{path} is no data set and holds {strangers[0]!r}; choose another folder."
            )
    writable_folder(path / "segments")
    if not root.exists():
        _publish(path / "segments" / "zarr.json", _group({}))
        _publish(root, _group({KEY: {"format": FORMAT, "metadata": metadata.to_json()}}))
    difference = read_metadata(path).difference(metadata)
    if difference:
        raise SpecMismatch(
            f"{path} holds other demonstrations: {difference} (there first). Choose another folder."
        )


def write_segment(
    path: Path,
    writer: str,
    demonstrations: Sequence[Demonstration],
    metadata: Metadata,
    on_commit: Callable[[], None] = lambda: None,
) -> str:
    """Commit whole episodes; when this returns they are on the disk, and before that they are not there.

    Args:
        path: A data set that `create` has made.
        writer: Prefix of the segment's name, this writer's own.
        demonstrations: Episodes with the same columns.
        metadata: Of these episodes.
        on_commit: Called when they are there, also if Ctrl-C comes between that and the end of this function.

    Returns:
        The segment's name.

    Raises:
        SpecMismatch: The episodes' columns differ, or a name cannot be one on disk.
    """
    first = demonstrations[0]
    for other in demonstrations[1:]:
        if signature(other) != signature(first):
            raise SpecMismatch("Episodes of one segment must have the same columns.")
    folder = _claim(path / "segments", writer)
    contents: dict[str, Any] = {}
    for kind in ("steps", "episodes"):
        (folder / kind).mkdir()
        contents[kind] = _group({})
        _write(folder / kind / "zarr.json", contents[kind])
    for name in first.steps:
        joined = np.concatenate([episode.steps[name] for episode in demonstrations])
        contents[f"steps/{name}"] = _write_array(folder / "steps" / name, joined)
    for name in first.facts:
        stacked = np.stack([np.asarray(episode.facts[name]) for episode in demonstrations])
        contents[f"episodes/{name}"] = _write_array(folder / "episodes" / name, stacked)
    described = _group(
        {
            KEY: {
                "format": FORMAT,
                "metadata": metadata.to_json(),
                "episodes": [dataclasses.asdict(_entry(episode)) for episode in demonstrations],
                "files": _flush_all(folder),
            }
        }
    )
    described["consolidated_metadata"] = {
        "kind": "inline",
        "must_understand": False,
        "metadata": contents,
    }
    try:
        _publish(folder / "zarr.json", described)
    finally:
        if (folder / "zarr.json").exists():
            on_commit()
    _flush(path / "segments")
    return folder.name


def _may_be_ours(name: str) -> bool:
    return name in ("segments", "zarr.json") or name.startswith(".")


def _entry(episode: Demonstration) -> Entry:
    reward = episode.total_reward
    return Entry(
        length=episode.length,
        seed=episode.seed,
        success=episode.success,
        total_reward=reward if reward is not None and math.isfinite(reward) else None,
        fault=episode.fault,
        checksum=checksum(episode),
    )


def _flush_all(folder: Path) -> dict[str, int]:
    """Make sure that everything in a folder is on the disk; gives the sizes of the data files."""
    inside = sorted(folder.rglob("*"))
    with ThreadPoolExecutor(FLUSHERS) as pool:  # the disk writes what waits together at once
        list(pool.map(_flush, [*inside, folder]))
    return {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in inside
        if path.is_file() and path.name != "zarr.json"
    }


def _claim(segments: Path, writer: str) -> Path:
    """A new folder of this writer's; making it is atomic, so no two writers share one."""
    check_node_name(writer)
    for number in itertools.count():
        folder = segments / f"{writer}-{number:06d}"
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise AssertionError("unreachable")


def _write_array(folder: Path, array: Array) -> dict[str, Any]:
    """Write one Zarr array; gives its metadata."""
    check_node_name(folder.name)
    rows = max(1, len(array))
    row_bytes = max(1, array.nbytes // rows)
    chunk = min(rows, max(1, CHUNK_BYTES // row_bytes))
    shard = None
    if chunk < rows:
        most = max(1, SHARD_BYTES // (row_bytes * chunk))
        shard = chunk * min(most, -(-rows // chunk))
    tail = tuple(max(1, size) for size in array.shape[1:])
    # LZ4 reads faster than a disk gives; the CRC makes a flipped bit an error instead of a wrong number.
    codec = BloscCodec(
        cname="lz4", clevel=5, shuffle="shuffle", typesize=max(1, array.dtype.itemsize)
    )
    zarr.create_array(
        str(folder),
        data=array,
        chunks=(chunk, *tail),
        shards=None if shard is None else (shard, *tail),
        compressors=[codec, Crc32cCodec()],
        zarr_format=3,
    )
    described: dict[str, Any] = json.loads((folder / "zarr.json").read_text())
    return described


def _group(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {"zarr_format": 3, "node_type": "group", "attributes": dict(attributes)}


def _publish(file: Path, described: Mapping[str, Any]) -> None:
    """Let a file appear whole, in one step; one that is there already stays."""
    passing = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
    _write(passing, described)
    _flush(passing)
    try:
        os.link(passing, file)  # unlike a renaming, this never replaces another writer's file
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        passing.rename(file)
    passing.unlink(missing_ok=True)
    _flush(file.parent)


def _write(file: Path, described: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(described, allow_nan=False, separators=(",", ":")))


def _flush(path: Path) -> None:
    """Make sure that a file or a folder's entries are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
