"""Options of a task among the words of a command."""

from __future__ import annotations

import pytest

from ibc_gym.cli.flags import UsageError, take_task_options


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
