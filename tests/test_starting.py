"""Ctrl-C is answered in one line from the moment that a command begins to load."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PRESSING = "import signal\nsignal.raise_signal(signal.SIGINT)\nraise SystemExit('not heard')\n"
SCRIPT = "import sys\nfrom ibc_gym.__main__ import main\nsys.exit(main())\n"
SAID = "Stopped by Ctrl-C. Nothing was written."


def start(folder: Path, library: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """A process in which Ctrl-C is pressed at the moment when it loads a library."""
    (folder / f"{library}.py").write_text(PRESSING)
    path = os.pathsep.join([str(folder), str(Path(__file__).parent.parent)])
    return subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("library", ["gymnasium", "tyro"])
@pytest.mark.parametrize("by_module", [True, False])
def test_ctrl_c_while_a_command_loads_is_one_line_and_130(
    library: str, by_module: bool, tmp_path: Path
) -> None:
    script = tmp_path / "ibc-gym"
    script.write_text(SCRIPT)
    words = ("-m", "ibc_gym") if by_module else (script,)
    ended = start(tmp_path, library, *words, "list")
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", f"\n{SAID}\n")
    ended = start(tmp_path, library, *words, "list", "--json")
    assert json.loads(ended.stdout) == {"error": SAID}


def test_import_by_another_program_is_interrupted_as_any_import(tmp_path: Path) -> None:
    code = "try:\n    import ibc_gym\nexcept KeyboardInterrupt:\n    print('heard')"
    ended = start(tmp_path, "gymnasium", "-c", code)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "heard\n", "")


def test_a_loaded_command_hears_ctrl_c_itself(tmp_path: Path) -> None:
    script = tmp_path / "ibc-gym"
    script.write_text(
        "import signal\nimport ibc_gym.__main__\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
    )
    ended = start(tmp_path, "unused", script)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.slow
def test_ctrl_c_reaches_all_processes_of_an_evaluation_and_is_one_line(tmp_path: Path) -> None:
    words = ["eval", "oracle", "--env", "particle", "--episodes", "200000", "--workers", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "ibc_gym", *words, "--latency-steps", "0"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as begun:
        assert begun.stdout is not None
        children = Path(f"/proc/{begun.pid}/task/{begun.pid}/children")
        while len(children.read_text().split()) < 3:  # two workers, and Python's own helper
            time.sleep(0.01)
        os.killpg(begun.pid, signal.SIGINT)  # as a terminal does, while the workers still load
        said = begun.stdout.read()
        assert begun.wait() == 130
    assert "Stopped by Ctrl-C" in said
    assert "Traceback" not in said
    assert not list(tmp_path.glob("runs/**/*.json"))
