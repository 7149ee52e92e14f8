"""Pictures for whoever stands at the table: on the page while there is one, in a file otherwise."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import numpy as np

from ibc_gym.hardware.table.screen import Screen, page

PICTURE = np.full((4, 6, 3), 90, np.uint8)


def test_page_of_the_process_shows_what_any_screen_shows() -> None:
    with Screen() as screen, page(0) as view:
        assert screen.place == view.address
        screen.show(PICTURE, "wanted over live")
        with urllib.request.urlopen(f"{view.address}words") as answer:
            assert answer.read() == b"wanted over live"


def test_without_a_page_there_is_a_file_that_goes_with_the_screen() -> None:
    with Screen() as screen:
        screen.show(PICTURE, "")
        path = Path(screen.place)
        assert path.read_bytes().startswith(b"\x89PNG")
        assert [other.name for other in path.parent.iterdir()] == [path.name]
    assert not path.parent.exists()
    screen.close()


def test_page_that_is_closed_shows_no_more() -> None:
    with Screen() as screen:
        with page(0) as view:
            pass
        assert screen.place != view.address
