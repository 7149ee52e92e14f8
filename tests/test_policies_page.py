"""docs/policies.md is true: its two lines run, its flags choose what they say, and nothing is left out."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from ibc_gym.checkpoint import load_policy
from ibc_gym.cli import main as cli
from ibc_gym.cli.flags import parse
from ibc_gym.cli.train import refuse_idle, train_flags
from ibc_gym.policies.losses import Loss, Norm
from ibc_gym.policies.mdn import MDNConfig
from ibc_gym.policies.negatives import KINDS, Counts, NegativesConfig
from ibc_gym.policies.networks.conv_resnet import Pooling
from ibc_gym.policies.networks.trunks import Trunk
from ibc_gym.tables import POLICIES

TEXT = (Path(__file__).parent.parent / "docs" / "policies.md").read_text(encoding="utf-8")
SHELL, LATER = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
PICTURES = re.findall(
    r"`(--[^`]+)`", TEXT[TEXT.index("## Pictures") : TEXT.index("## How the implicit")]
)
FLAGS = sorted(set(re.findall(r"`(--(?!steps)[^`]+)`", TEXT)))


def test_the_two_lines_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = SHELL.splitlines()
    assert len(lines) == 2
    for line in lines:
        assert cli.main(shlex.split(line)[1:]) == 0
    policy: Any = load_policy("runs/nearest")
    assert 0 < len(policy.keys) < 20 * 50 / 2 + 1  # the better half


def test_best_and_last_are_evaluated_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["record", "particle", "--episodes", "3", "--out", "d.zarr"]) == 0
    train = ["train", "d.zarr", "--out", "runs/push", "--policy.type", "mse", "--steps", "2"]
    assert cli.main(train) == 0
    for line in LATER.splitlines():
        assert cli.main([*shlex.split(line)[1:], "--episodes", "1"]) == 0


def held(found: Any, flag: str) -> Any:
    """What a flag set, as text."""
    path = flag.removeprefix("--").replace("-", "_")
    value = found
    for name in {"policy.type": "policy"}.get(
        path, path.replace("policy.", "policy_config.")
    ).split("."):
        value = getattr(value, name)
    value = value[0] if isinstance(value, tuple) else value
    return f"{value:g}" if isinstance(value, float) else str(value)


@pytest.mark.parametrize("words", FLAGS)
def test_flags_choose_what_they_say_and_change_something_as_they_stand(words: str) -> None:
    """By themselves, or beside an input that is a picture where the page is about pictures."""
    said = shlex.split(words)
    beside = ["--policy.inputs", "image", "state"] if words in PICTURES else []
    found: Any = parse(
        train_flags(said), ["demos.zarr", *beside, *said], command="ibc-gym train", description=()
    )
    for flag, value in re.findall(r"(--\S+)(?: ([^-]\S*))?", words):
        positive = flag.replace(".no-", ".")
        assert held(found, positive) == (value or str(positive == flag)), flag
    refuse_idle(said, found)


def test_page_says_what_pictures_need() -> None:
    assert len(PICTURES) > 12
    assert "All of these stand beside `--policy.inputs image`" in " ".join(TEXT.split())


def test_every_policy_and_every_choice_of_network_is_named() -> None:
    for name in POLICIES:
        assert re.search(rf"^\| `{name}` \|", TEXT, re.MULTILINE)
    picks = get_args(get_type_hints(MDNConfig)["pick"])
    choices = [*get_args(Trunk), *get_args(Pooling), *picks, "conv_maxpool", "conv_resnet"]
    choices += [*get_args(Loss), *get_args(Norm), *(f"--policy.negatives.{kind}" for kind in KINDS)]
    for choice in choices:
        assert any(choice in words.split() for words in FLAGS), choice


def test_page_is_found_from_the_readme() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    assert "(docs/policies.md)" in readme


def test_counter_examples_by_default_are_those_that_it_says() -> None:
    said = " ".join(TEXT.split())
    assert NegativesConfig().resolved("dfo") == Counts(uniform=16, anchored=16)
    assert "`--policy.optimiser dfo` has 16 uniform and 16 anchored ones" in said
    assert NegativesConfig().resolved("langevin") == Counts(langevin=8)
    assert "`--policy.optimiser langevin` has 8 ends of chains and nothing else" in said
