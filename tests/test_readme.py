from __future__ import annotations

import re
import shlex
import subprocess
import sys
from operator import attrgetter
from pathlib import Path

import pytest

from ibc_gym.cli import main as cli
from ibc_gym.loading import load
from ibc_gym.tables import ORACLES, POLICIES, PRESETS, TASKS

TEXT = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SHELL = "".join(re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL))
COMMANDS = [line for line in SHELL.splitlines() if line.startswith("ibc-gym ")]


def test_the_ten_lines_run_and_get_to_the_goal() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    (distance,) = re.findall(r"([\d.]+) m", done.stdout)
    assert float(distance) < 0.05


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_has_flags_that_exist(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(line)[1:]
    with pytest.raises(SystemExit) as stop:
        cli.main([*words, "--help"])
    assert stop.value.code == 0
    page = capsys.readouterr().out
    for flag in (word for word in words if word.startswith("--")):
        if flag.startswith("--task."):
            option = flag.removeprefix("--task.").replace("-", "_")
            attrgetter(option)(load(TASKS, words[1], "task").Config())
        else:
            assert f"{flag} " in page


def test_every_command_task_and_policy_is_in_a_table() -> None:
    for name in (*cli.COMMANDS, *TASKS, *POLICIES):
        assert f"`{name}`" in TEXT or name == "demo"
    assert set(ORACLES) <= set(TASKS)


def test_every_preset_that_is_named_exists() -> None:
    assert set(re.findall(r"--preset (\S+)", TEXT)) <= set(PRESETS)


def test_every_link_leads_to_a_file() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (Path(__file__).parent.parent / link).is_file(), link
