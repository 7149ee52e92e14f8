"""`ibc-gym cameras`: what it prints and what it leaves behind."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ibc_gym.cli import main as cli
from ibc_gym.hardware.cameras.showing import depth_as_grey
from ibc_gym.hardware.png import png


@pytest.mark.slow
def test_emulated_cameras_are_listed_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = tmp_path / "seen"
    assert cli.main(["cameras", "--emulated", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0].startswith("Writes a picture from every camera")
    assert "Intel RealSense D415" in said and "5.16.0.1" in said
    assert said.splitlines()[-1].startswith("Repeat with: ibc-gym cameras --emulated")
    table = said[said.index("Attached") : said.index("Repeat")]
    assert max(map(len, table.splitlines())) <= 80
    for serial in ("emulated-d415", "emulated-d435"):
        image = np.asarray(Image.open(out / f"{serial}.png"))
        assert image.shape == (360, 640, 3) and image.std() > 20
        depth = np.asarray(Image.open(out / f"{serial}-depth.png"))
        assert depth.shape == (360, 640) and (depth > 0).mean() > 0.8
        bright = (image[..., 0] > 200) & (image[..., 2] < 80)
        assert np.median(depth[bright]) > np.median(depth[~bright]), "near is bright"


def test_answer_is_one_object_and_a_camera_without_picture_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["cameras", "--emulated", "--serial", "emulated-d435", "--fps", "60", "--json"]
    assert cli.main([*words, "--out", str(tmp_path)]) == 1
    (camera,) = json.loads(capsys.readouterr().out)["cameras"]
    assert camera["serial"] == "emulated-d435" and camera["pictures"] == []
    assert "does not offer color 640x360 rgb8 60 Hz" in camera["problem"]
    assert "color 640x360 rgb8 30 Hz" in camera["modes"]


def test_unknown_serial_names_those_that_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["cameras", "--emulated", "--serial", "x", "--out", str(tmp_path)]) == 1
    assert "attached: emulated-d415, emulated-d435" in capsys.readouterr().err


def test_without_the_library_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['pyrealsense2'] = None\n"
        "from ibc_gym.cli.main import main; sys.exit(main(['cameras']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "needs pyrealsense2" in done.stderr and "ibc-gym[realsense]" in done.stderr


@pytest.mark.parametrize("shape", [(5, 7, 3), (5, 7)])
def test_png_is_read_as_it_was_written(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    seen = Image.open(io.BytesIO(png(image)))
    np.testing.assert_array_equal(np.asarray(seen), image)


def test_depth_that_is_nowhere_is_black() -> None:
    assert not depth_as_grey(np.zeros((3, 4), np.float32)).any()
