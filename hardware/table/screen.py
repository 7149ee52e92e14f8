"""Where whoever stands at the table looks: the page of this process while there is one, else a picture file."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ibc_gym.closing import Closing
from ibc_gym.records import UInt8

from .picture import PictureFile
from .view import View

FILE: Final = "table.png"

_pages: list[View] = []
"""Those that are open; a process has one terminal and one arm, so it has one place to look at."""


@contextmanager
def page(port: int) -> Iterator[View]:
    """A page that every screen of this process shows its pictures on, for the length of a block.

    Args:
        port: On 127.0.0.1; 0 takes any that is free, and the page's `address` says which.

    Raises:
        ConfigError: The port is taken, or may not be used.
    """
    with View(port) as view:
        _pages.append(view)
        try:
            yield view
        finally:
            _pages.remove(view)


class Screen(Closing):
    """A `Display`: the page of this process, or a PNG file in a temporary folder where there is none."""

    def __init__(self) -> None:
        """Show nothing yet."""
        self._folder: Path | None = None

    @property
    def place(self) -> str:
        """Where to look, for people: an address or a file."""
        return _pages[-1].address if _pages else str(self._file().path)

    def show(self, picture: UInt8, words: str) -> None:
        """Show a picture (H, W, 3) in place of the last one, and where there is a page a line about it."""
        (_pages[-1] if _pages else self._file()).show(picture, words)

    def close(self) -> None:
        """Take the file away, if there is one; may be called twice."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _file(self) -> PictureFile:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="ibc-gym-"))
        return PictureFile(self._folder / FILE)
