"""A report is one page that needs nothing else, and says what was found."""

from __future__ import annotations

import re
import shlex
import shutil
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ibc_gym.cli import main as cli
from ibc_gym.errors import ConfigError
from ibc_gym.evaluation.evaluator import evaluate
from ibc_gym.evaluation.results import EvalConfig, Evaluation, write_evaluation
from ibc_gym.report.curves import read_runs
from ibc_gym.report.page import report
from ibc_gym.report.runs import eval_command

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, particle_run: Path) -> Path:
    """A trained run with an evaluation and films."""
    path = tmp_path_factory.mktemp("report") / "ebm"
    shutil.copytree(particle_run, path, symlinks=True)
    evaluate(
        EvalConfig(policy=str(path), episodes=6, films=1, workers=1, latency_steps=5, num_envs=3)
    )
    return path


@pytest.fixture(scope="module")
def oracle_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstrator on the same seeds."""
    out = tmp_path_factory.mktemp("report") / "oracle"
    evaluate(EvalConfig(policy="oracle", env="particle", episodes=6, workers=1, out=out))
    return out


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, run: Path, oracle_run: Path) -> str:
    return report([run, oracle_run], tmp_path_factory.mktemp("page") / "report.html").read_text()


class Balance(HTMLParser):
    """Raises when a tag is closed that is not open."""

    void = ("meta", "br", "img", "link")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass


def test_page_is_whole(page: str) -> None:
    balance = Balance()
    balance.feed(page)
    assert balance.open == []


def test_page_needs_no_network_and_no_other_file(page: str) -> None:
    assert not re.findall(r"https?://", page)
    sources = re.findall(r"(?:src|href)=\"([^\"]{0,30})", page)
    assert sources
    assert all(source.startswith("data:image/") for source in sources)
    assert "<script" not in page
    assert "url(" not in page


def test_page_shows_success_curves_strips_and_landscapes(page: str) -> None:
    assert "6 of 6" in page  # the oracle
    assert page.count('class="interval') == 2
    assert "Held-out action error" in page
    assert 'class="mark series-0"' in page  # the chosen checkpoint
    assert page.count('class="landscape"') == 4
    assert page.count("data:image/jpeg") == 1
    assert "only second solved" in page  # paired with the oracle


def test_axes_of_landscapes_bear_the_names_of_the_actions(page: str) -> None:
    assert page.count(">set-point 0 [m]</text>") == page.count(">set-point 1 [m]</text>") == 4


def test_landscapes_are_of_the_episode_and_steps_that_are_chosen(tmp_path: Path, run: Path) -> None:
    out = tmp_path / "report.html"
    page = report([run], out, landscape_seed=100_003, landscape_steps=(0, 10)).read_text()
    assert re.findall(r"<figcaption>(Step \d+)", page) == ["Step 0", "Step 10"]
    assert "Seed 100003, failed." in page


@pytest.mark.parametrize(("seed", "steps"), [(99, ()), (100_003, (50,)), (None, (-1,))])
def test_landscape_of_an_episode_or_step_that_was_not_run_is_refused(
    tmp_path: Path, run: Path, seed: int | None, steps: tuple[int, ...]
) -> None:
    out = tmp_path / "report.html"
    with pytest.raises(ConfigError, match=r"was not run|has no step"):
        report([run], out, landscape_seed=seed, landscape_steps=steps)
    assert not out.exists()


def test_failures_that_were_not_filmed_come_with_the_command_that_films_them(
    tmp_path: Path,
) -> None:
    out = tmp_path / "a run"
    found = evaluate(EvalConfig(policy="random", env="particle", episodes=2, workers=1, out=out))
    page = report([out], tmp_path / "report.html").read_text()
    (command,) = re.findall(r"This films them: <code>ibc-gym ([^<]*)</code>", page)
    assert "2 of 2 episodes failed, and none of them was filmed" in page
    assert cli.main(shlex.split(unescape(command))) == 0
    assert len(list(found.folder.glob("films/*.mp4"))) == 2
    page = report([out], tmp_path / "report.html").read_text()
    assert "none of them was filmed" not in page
    assert page.count("data:image/jpeg") == 2


def test_world_that_has_changed_is_said_and_not_drawn(tmp_path: Path, run: Path) -> None:
    copy = tmp_path / "changed"
    shutil.copytree(run, copy, symlinks=True)
    (found,) = read_runs([copy])[0].evaluations
    episodes = tuple(
        type(row)(**{**vars(row), "total_reward": row.total_reward + 1}) for row in found.episodes
    )
    write_evaluation(
        Evaluation(summary=found.summary, episodes=episodes, tapes=found.tapes, folder=found.folder)
    )
    page = report([copy], tmp_path / "report.html").read_text()
    assert "energies cannot be drawn: Seed 100000 went otherwise" in page


def test_checkpoint_is_not_compared_with_itself(tmp_path: Path, run: Path) -> None:
    copy = tmp_path / "twice"
    shutil.copytree(run, copy, symlinks=True)
    last = copy / "checkpoints" / "best"
    evaluate(
        EvalConfig(policy=str(last), episodes=6, workers=1, latency_steps=0, name="again", out=copy)
    )
    (loaded,) = read_runs([copy])
    assert len(loaded.evaluations) == 2
    assert "side by side" not in report([copy], tmp_path / "report.html").read_text()


def test_checkpoints_of_one_run_are_compared(tmp_path: Path, run: Path) -> None:
    copy = tmp_path / "twice"
    shutil.copytree(run, copy, symlinks=True)
    (loaded,) = read_runs([copy])
    (found,) = loaded.evaluations
    older = {**found.summary, "checkpoint": {**found.summary["checkpoint"], "step": 1}}
    folder = found.folder.with_name("older")
    folder.mkdir()
    write_evaluation(
        Evaluation(summary=older, episodes=found.episodes, tapes=found.tapes, folder=folder)
    )
    assert "side by side" in report([copy], tmp_path / "report.html").read_text()


def test_command_that_repeats_an_evaluation_is_complete(run: Path) -> None:
    (found,) = read_runs([run])[0].evaluations
    assert eval_command(found) == (
        f"ibc-gym eval {run} --env particle --episodes 6 --first-seed 100000 --num-envs 3"
    )


def test_runs_of_one_name_are_told_apart_by_their_folders(tmp_path: Path, oracle_run: Path) -> None:
    for parent in ("one", "two"):
        shutil.copytree(oracle_run, tmp_path / parent / "oracle")
    labels = [run.label for run in read_runs([tmp_path / "one/oracle", tmp_path / "two/oracle"])]
    assert labels == ["one/oracle", "two/oracle"]


@pytest.mark.parametrize("folder", ["missing", "empty"])
def test_folder_without_a_run_is_refused(tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=folder):
        report([tmp_path / folder], tmp_path / "report.html")


def test_run_given_twice_or_not_at_all_is_refused(tmp_path: Path, oracle_run: Path) -> None:
    with pytest.raises(ConfigError, match="twice"):
        report([oracle_run, oracle_run], tmp_path / "report.html")
    with pytest.raises(ConfigError, match="at least one"):
        report([], tmp_path / "report.html")
    with pytest.raises(ConfigError, match="html"):
        report([oracle_run], tmp_path / "report.pdf")
