"""Film episodes that were evaluated, by playing their tapes again before the camera."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ibc_gym.evaluation.film import Film, jpeg, strip, write_film
from ibc_gym.evaluation.results import Evaluation, find_tape
from ibc_gym.evaluation.stage import Stage
from ibc_gym.evaluation.tape import TapePlayer, check_same
from ibc_gym.records import UInt8
from ibc_gym.rollout import Episode, rollout

FOLDER = "films"


def film_episodes(
    evaluation: Evaluation, stage: Stage, count: int, seeds: Sequence[int] = ()
) -> list[Path]:
    """Film some episodes, each as an MP4 and a strip of stills (JPEG).

    Args:
        evaluation: Which was written down; the films lie in its folder.
        stage: The environment that it was made in.
        count: How many at most, failures first, beside those that are named.
        seeds: Of episodes that are filmed in any case.

    Raises:
        ConfigError: The environment does not render, or an episode went otherwise than when it was evaluated.
    """
    named = [episode for episode in evaluation.episodes if episode.seed in seeds]
    others = [episode for episode in evaluation.episodes if episode.seed not in seeds]
    chosen = [*named, *worth_seeing(others, count)]
    folder = evaluation.folder / FOLDER
    folder.mkdir(exist_ok=True)
    envs = stage.make_filmed_env()
    try:
        rate = float(envs.envs[0].metadata.get("render_fps") or 10)
        films = []
        for episode in chosen:
            film = Film(envs)
            tape = find_tape(evaluation.tapes, episode.seed)
            (seen,) = rollout(envs, TapePlayer([tape]), [episode.seed], [film]).episodes
            check_same(episode, seen)
            films.append(_write(folder, episode, film.frames, rate))
    finally:
        envs.close()
    return films


def worth_seeing(episodes: Sequence[Episode], count: int) -> list[Episode]:
    """Failures first, then successes, each in the order of their seeds."""
    return sorted(episodes, key=lambda episode: episode.success)[:count]


def film_path(folder: Path, episode: Episode) -> Path:
    """Where the film of an episode is; its strip lies beside it, ending in ".jpg"."""
    outcome = "success" if episode.success else "failure"
    return folder / f"{episode.seed}-{outcome}.mp4"


def _write(folder: Path, episode: Episode, frames: Sequence[UInt8], rate: float) -> Path:
    path = write_film(film_path(folder, episode), frames, rate)
    path.with_suffix(".jpg").write_bytes(jpeg(strip(frames)))
    return path
