"""Pictures from one process to another through shared memory: the rig renders its scene, the driver's process films it.

Three slots are written in turn, each with a count that is odd while it is being written; a reader takes the newest slot and
looks at the count again when it has copied it. Neither waits for the other, nobody has a thread, and the memory has no name:
it goes when its last holder goes, however that ends. Linux only.
"""

from __future__ import annotations

import mmap
import os
import struct
from typing import Final

import numpy as np

from ibc_gym.closing import Closing
from ibc_gym.errors import ConfigError
from ibc_gym.records import Float32, UInt8

from .pictures import Picture

SLOTS: Final = 3
_HEAD: Final = struct.Struct("<8sIIQQ")  # magic, width, height, pictures so far, closed
_SLOT: Final = struct.Struct("<Qd")  # count, time
_MAGIC: Final = b"ibcpics1"
_ALIGNED: Final = 64
_TRIES: Final = 5


class _Shared:
    """The memory as arrays."""

    def __init__(self, memory: mmap.mmap, width: int, height: int) -> None:
        self.memory = memory
        colour, depth = height * width * 3, height * width * 4
        self._stride = _stride(width, height)
        self.images: list[UInt8] = []
        self.depths: list[Float32] = []
        for slot in range(SLOTS):
            start = self.head_of(slot) + _ALIGNED
            image = np.frombuffer(memory, np.uint8, colour, start)
            self.images.append(image.reshape(height, width, 3))
            values = np.frombuffer(memory, np.float32, depth // 4, _up(start + colour))
            self.depths.append(values.reshape(height, width))

    def head_of(self, slot: int) -> int:
        return _ALIGNED + slot * self._stride

    def release(self) -> None:
        self.images.clear()
        self.depths.clear()
        self.memory.close()


class PicturePublisher(Closing):
    """The end that writes: in the process that renders."""

    def __init__(self, width: int, height: int) -> None:
        """Take memory for pictures of one size [px]."""
        if width <= 0 or height <= 0:
            raise ConfigError(f"A picture of {width} x {height} px cannot be published.")
        size = _ALIGNED + SLOTS * _stride(width, height)
        self._file = os.memfd_create("ibc-pictures", os.MFD_CLOEXEC)
        os.ftruncate(self._file, size)
        self._shared = _Shared(mmap.mmap(self._file, size), width, height)
        self._size = (width, height)
        self._published = 0
        self._closed = False
        self._write_head()

    @property
    def address(self) -> str:
        """What a `PictureReader` in another process of this user opens; good while this process lives."""
        return f"/proc/{os.getpid()}/fd/{self._file}"

    def publish(self, image: UInt8, depth: Float32, time: float) -> None:
        """Show a picture to whoever looks; never waits.

        Args:
            image: (H, W, 3) RGB.
            depth: Along the optical axis, (H, W) [m].
            time: When the scene looked like this, on the monotonic clock, which all processes share [s].
        """
        width, height = self._size
        if image.shape != (height, width, 3) or depth.shape != (height, width):
            raise ConfigError(
                f"Published were {image.shape} and {depth.shape}, but pictures here are {height} x {width}."
            )
        slot = self._published % SLOTS
        head, count = self._shared.head_of(slot), 2 * self._published
        _SLOT.pack_into(self._shared.memory, head, count + 1, time)
        np.copyto(self._shared.images[slot], image)
        np.copyto(self._shared.depths[slot], depth, casting="same_kind")
        _SLOT.pack_into(self._shared.memory, head, count + 2, time)
        self._published += 1
        self._write_head()

    def close(self) -> None:
        """Tell readers that nothing more comes; may be called twice."""
        if not self._closed:
            self._closed = True
            self._write_head()
            self._shared.release()
            os.close(self._file)

    def _write_head(self) -> None:
        told = (_MAGIC, *self._size, self._published, self._closed)
        _HEAD.pack_into(self._shared.memory, 0, *told)


class PictureReader(Closing):
    """The end that looks; a `PictureSource`."""

    def __init__(self, address: str) -> None:
        """Open what a `PicturePublisher` says is its address.

        Raises:
            ConfigError: Nobody publishes there.
        """
        try:
            file = os.open(address, os.O_RDONLY)
        except OSError as error:
            raise ConfigError(
                f"Nobody publishes pictures at {address} ({error.strerror}). Is the rig's process running? "
                "Start one with: ibc-gym rig"
            ) from error
        try:
            memory = mmap.mmap(file, 0, access=mmap.ACCESS_READ)
        finally:
            os.close(file)
        magic, self.width, self.height, _, _ = _HEAD.unpack_from(memory, 0)
        if magic != _MAGIC:
            raise ConfigError(f"{address} holds no pictures of a rig of this version.")
        self._shared: _Shared | None = _Shared(memory, self.width, self.height)
        self._address = address
        self._seen = 0

    @property
    def is_over(self) -> bool:
        """Whether no more pictures will come: the publisher has closed, or its process has ended."""
        if self._shared is None:
            return True
        closed = _HEAD.unpack_from(self._shared.memory, 0)[4]
        return bool(closed) or not os.path.exists(self._address)

    def __call__(self) -> Picture | None:
        """The newest picture, copied; None if it was given before, or is overwritten again and again meanwhile."""
        shared = self._shared
        for _ in range(_TRIES if shared is not None else 0):
            assert shared is not None
            published = _HEAD.unpack_from(shared.memory, 0)[3]
            if published <= self._seen:
                return None
            slot = (published - 1) % SLOTS
            before, time = _SLOT.unpack_from(shared.memory, shared.head_of(slot))
            picture = Picture(shared.images[slot].copy(), shared.depths[slot].copy(), time)
            after, _ = _SLOT.unpack_from(shared.memory, shared.head_of(slot))
            if before == after == 2 * published:
                self._seen = published
                return picture
        return None

    def close(self) -> None:
        """Let go of the memory; may be called twice."""
        if self._shared is not None:
            self._shared.release()
            self._shared = None


def _stride(width: int, height: int) -> int:
    return _up(_ALIGNED + _up(height * width * 3) + height * width * 4)


def _up(size: int) -> int:
    """To the next multiple of a cache line."""
    return -(-size // _ALIGNED) * _ALIGNED
