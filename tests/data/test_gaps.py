"""What is said of two episodes that part."""

from math import pi

import numpy as np
import pytest

from ibc_gym.data.gaps import Gaps


def test_the_element_that_parts_furthest_is_named() -> None:
    gaps = Gaps(("block_orientation", "block_translation_x", "block_translation_y"))
    gaps.add([0.0, 0.1, 0.2], [0.0, 0.1, 0.2])
    assert (gaps.largest, gaps.furthest, gaps.parts_at) == (0.0, "", None)
    gaps.add([0.0, 0.1, 0.2], [0.0, 0.1, 0.5])
    gaps.add([0.0, 0.2, 0.2], [0.0, 0.1, 0.2])
    assert gaps.largest == pytest.approx(0.3)
    assert (gaps.furthest, gaps.parts_at) == ("block_translation_y", 1)


def test_angles_part_by_the_shorter_way() -> None:
    gaps = Gaps(("block_orientation", "block_translation_x"))
    gaps.add([pi - 0.01, 0.0], [0.01 - pi, 0.5])
    assert gaps.largest == pytest.approx(0.5)
    assert gaps.furthest == "block_translation_x"


def test_pictures_have_no_names() -> None:
    gaps = Gaps()
    black, white = np.zeros((2, 3, 3), np.uint8), np.full((2, 3, 3), 255, np.uint8)
    gaps.add(black, white)
    assert (gaps.largest, gaps.furthest) == (255.0, "")
