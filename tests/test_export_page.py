"""docs/export.md is true: its lines run, and its commands have flags that exist."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ibc_gym.cli import main as cli
from ibc_gym.tables import EXPORTABLE, POLICIES

TEXT = (Path(__file__).parent.parent / "docs" / "export.md").read_text(encoding="utf-8")
(CODE,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
SHELL = "".join(re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL))


@pytest.mark.slow
def test_the_ten_lines_act(tmp_path: Path, particle_run: Path) -> None:
    shutil.copytree(particle_run, tmp_path / "runs" / "push", symlinks=True)
    run = tmp_path / "runs" / "push"
    # ONNX takes longer to write, and is read alike
    words = ["--format", "torch-export", "--check", "8"]
    assert cli.main(["export", str(run), *words, "--out", str(run / "exported" / "onnx")]) == 0
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("set-point 0 [m]") == 3
    assert "'gap'" in done.stdout


@pytest.mark.parametrize("line", re.findall(r"^ibc-gym (.*?)\s*(?:#.*)?$", SHELL, re.MULTILINE))
def test_every_command_has_flags_that_exist(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main([*shlex.split(line), "--help"])
    assert stop.value.code == 0
    page = capsys.readouterr().out
    assert all(f"{word} " in page for word in line.split() if word.startswith("--"))


def test_it_says_of_every_policy_whether_it_can_be_exported() -> None:
    section = TEXT.split("## What can be exported")[1]
    assert all(f"`{name}`" in section for name in POLICIES)
    assert set(EXPORTABLE) <= set(POLICIES)


def test_run_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", "runs/nowhere"]) == 1
    assert "There is no run at runs/nowhere" in capsys.readouterr().err
    assert cli.main(["export", "runs/nowhere", "--format", "pickle"]) == 2
