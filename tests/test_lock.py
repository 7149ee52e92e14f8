"""A folder has one writer at a time."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ibc_gym.errors import ConfigError
from ibc_gym.lock import only_writer

HOLDER = """
import sys, time
from pathlib import Path
from ibc_gym.lock import only_writer
with only_writer(Path(sys.argv[1]), "recording"):
    print("has it", flush=True)
    time.sleep(600)
"""


def test_folder_is_another_process_own_until_that_is_killed(tmp_path: Path) -> None:
    words = [sys.executable, "-c", HOLDER, str(tmp_path / "d")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None and holder.stdout.readline() == "has it\n"
            said = rf"number {holder.pid}\) is recording in .*choose another --out"
            with pytest.raises(ConfigError, match=said), only_writer(tmp_path / "d", "recording"):
                pass
        finally:
            holder.send_signal(signal.SIGKILL)
    with only_writer(tmp_path / "d", "recording"):
        pass


def test_folder_is_free_again_and_clean_after_its_writer(tmp_path: Path) -> None:
    for _ in range(2):
        with only_writer(tmp_path, "recording"), only_writer(tmp_path, "training"):
            with pytest.raises(ConfigError), only_writer(tmp_path, "training"):
                pass
            assert len(list(tmp_path.iterdir())) == 2
    assert not list(tmp_path.iterdir())
