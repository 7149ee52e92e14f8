from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from docs.pages import interval, percent, results
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


def test_success_rates_are_those_that_were_measured() -> None:
    measured = {row["preset"]: row for row in results("time_to_quality")}
    lines = re.findall(r"^\| .* \| ([\d,]+) \| (\d+) \| `(\S+)` \| (.+) \| (.+) \|$", TEXT, re.M)
    assert len(lines) >= 6
    for demonstrations, seconds, preset, implicit, explicit in lines:
        row = measured[preset]
        assert int(demonstrations.replace(",", "")) == row["demonstrations"]
        assert float(seconds) == row["budget"]
        assert implicit == _rate(row["pooled"][preset])
        for baseline in row["baselines"]:
            kind = "MDN" if baseline.endswith("-mdn") else "MSE"
            said = re.search(rf"{kind} (the same|[\d.]+ %(?: \([\d.]+ to [\d.]+\))?)", explicit)
            assert said, (preset, kind)
            if said[1] != "the same":
                assert _rate(row["pooled"][baseline]).startswith(said[1]), (preset, kind)


def test_rewards_of_push_t_are_those_that_were_measured() -> None:
    measured = {
        method["preset"] if label == "implicit" else (row["row"], label): method["judged"][""]
        for row in results("quality")
        if row["row"].startswith("pusht")
        for label, method in row["methods"].items()
    }
    rewards = {
        f"{judged['best']['mean']:.3f} / {judged['last']['mean']:.3f}"
        for judged in measured.values()
    }
    said = set(re.findall(r"reward ([\d.]+ / [\d.]+)", TEXT))
    assert said and said <= rewards


def _rate(pooled: Mapping[str, Any]) -> str:
    return f"{percent(pooled['success_rate'])} {interval(pooled['ci95'])}".replace("100.0)", "100)")
