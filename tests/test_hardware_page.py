"""The examples of the documents are taken by the programs that they are for: tables' files, and commands with their flags."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tyro

from ibc_gym.cli import main as cli
from ibc_gym.errors import ConfigError
from ibc_gym.hardware.workcells.emulated_table import load_emulated_table
from ibc_gym.hardware.workcells.table import TableConfig, arm_for, load_table
from ibc_gym.registry import make_stage, make_task
from ibc_gym.tables import TASKS

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
ABOUT_TABLES = ("hardware.md", "calibration.md", "teleoperation.md")


def blocks(page: Path, kind: str) -> Iterator[str]:
    """What stands between fences of a kind, list items and all."""
    yield from re.findall(rf"```{kind}\n(.*?)```", page.read_text(), flags=re.DOTALL)


TOML = [(page.name, block) for page in PAGES for block in blocks(page, "toml")]
TABLES = [block for name, block in TOML if name in ABOUT_TABLES and "[arm]" in block]
RIGS = [block for name, block in TOML if name in ABOUT_TABLES and "[arm]" not in block]


def commands() -> Iterator[tuple[str, str]]:
    """Every `ibc-gym ...` of the pages about tables, in blocks and in the text."""
    for name in ABOUT_TABLES:
        page = ROOT / "docs" / name
        for kind in ("console", "sh"):
            for block in blocks(page, kind):
                yield from ((name, line) for line in block.splitlines() if "ibc-gym " in line)
        for said in re.findall(r"`(ibc-gym [^`\n]+ [^`\n]*--[^`\n]+)`", page.read_text()):
            yield name, said


@pytest.mark.parametrize("name, block", TOML, ids=lambda value: value[:12])
def test_every_example_is_toml(name: str, block: str) -> None:
    assert tomllib.loads(block), name


def test_pages_have_the_files_of_both_tables_and_of_the_one_that_is_tried() -> None:
    assert [tomllib.loads(block)["arm"]["tool_length"] for block in TABLES] == [0.1524, 0.03, 0.03]


def test_file_of_the_emulated_table_lets_happen_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = RIGS
    file = tmp_path / "rig.toml"
    file.write_text(block)
    monkeypatch.setenv("IBC_GYM_RIG", str(file))
    coming = load_emulated_table().schedule(cameras=True)
    assert len(coming.arm) == len(coming.cameras) == 1


@pytest.fixture
def tables(tmp_path: Path) -> list[TableConfig]:
    found = []
    for number, block in enumerate(TABLES):
        path = tmp_path / f"{number}.toml"
        path.write_text(block)
        found.append(load_table(path))
    return found


@pytest.mark.parametrize("name", [task for task in TASKS if "xarm" in make_task(task).workcells])
def test_file_of_the_table_serves_every_task_with_its_tool(
    name: str, tables: list[TableConfig]
) -> None:
    task: Any = make_task(name)
    if task.scene.tool.length == tables[0].arm.tool_length:
        arm = arm_for(task, tables[0].arm)
        assert arm.workspace_lower == task.scene.workspace_lower
        assert {camera.name for camera in task.scene.cameras} <= {
            camera.name for camera in tables[0].cameras
        }
    else:
        with pytest.raises(ConfigError, match="Mount the other tool"):
            arm_for(task, tables[0].arm)


@pytest.mark.parametrize("number", [1, 2])
def test_file_of_the_calibration_serves_the_board(number: int, tables: list[TableConfig]) -> None:
    board = {"columns": 9, "rows": 7, "square": 0.024, "marker": 0.018, "margin": 0.012}
    stage = make_stage("calibration", {}, {**board, "dictionary": "DICT_4X4_50"})
    arm_for(stage, tables[number].arm)
    assert tables[number].calibrations is None and tables[number].cameras[0].pose.position[2] > 0
    assert (tables[number].rig is None) is (number == 1)


class Read(BaseException):
    """The flags were taken; nothing else is done."""


@pytest.mark.parametrize("name, line", sorted(set(commands())), ids=lambda value: value[:60])
def test_every_flag_of_a_command_is_one(
    name: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command is read, and stopped before it does anything."""
    taking = tyro.cli

    def take(*arguments: Any, **options: Any) -> None:
        taking(*arguments, **options)
        raise Read

    monkeypatch.setattr(tyro, "cli", take)
    words = shlex.split(line, comments=True)
    with pytest.raises(Read):
        cli.main(words[words.index("ibc-gym") + 1 :])


def test_commands_are_found_at_all() -> None:
    found = [line for _, line in commands()]
    assert len(found) > 15 and any("calibrate camera" in line for line in found)
