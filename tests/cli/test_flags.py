"""Help pages, and options of a task among the words of a command."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ibc_gym.cli.flags import UsageError, parse, take, take_task_options


@dataclass
class Inner:
    """What is asked in a group."""

    far: float = 1.0
    """How far it goes before it turns round and comes back to where it began, at
    most [m]: a group's texts are read as the others are.
    """


@dataclass
class Flags:
    """What is asked."""

    long: int = 1
    """What it is.

    Why it is so, at such length that the line of the docstring comes to its end
    and another one begins; it goes on there.
    """
    inner: Inner = field(default_factory=Inner)


def test_help_has_the_paragraphs_of_the_docstring_and_no_other_line_breaks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    with pytest.raises(SystemExit):
        parse(Flags, ["--help"], command="ibc-gym it", description=("It.", "More of it."))
    lines = [line.strip("│ ") for line in capsys.readouterr().out.splitlines()]
    (first,) = (number for number, line in enumerate(lines) if line.endswith("What it is."))
    assert lines[first + 1] == "" and lines[first + 2].startswith("Why it is so, at such length")
    assert "its end and another one begins; it goes on there." in lines[first + 2]
    assert any("it began, at most [m]: a group's texts" in line for line in lines)
    assert lines[lines.index("It.") + 1 : lines.index("More of it.")] == [""]


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (["--preset", "a", "--preset", "b"], "b"),
        (["--preset=a", "data", "--preset", "b"], "b"),
        (["--preset", "a", "--preset=b", "--steps", "1"], "b"),
        (["--preset", "a"], "a"),
        (["data"], None),
    ],
)
def test_last_of_several_values_of_a_flag_counts(words: list[str], value: str | None) -> None:
    assert take(words, "--preset") == value


def test_option_of_an_option_has_a_dotted_name() -> None:
    words = ["--task.randomisation.friction", "0.5", "push", "--task.randomisation.textures=true"]
    options, left = take_task_options([*words, "--task.goal-tolerance", "0.01"])
    assert options == {
        "randomisation": {"friction": 0.5, "textures": True},
        "goal_tolerance": 0.01,
    }
    assert left == ["push"]


def test_option_that_is_a_number_and_a_group_is_refused() -> None:
    with pytest.raises(UsageError, match="randomisation"):
        take_task_options(["--task.randomisation", "1", "--task.randomisation.friction", "0.5"])
