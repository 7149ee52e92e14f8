"""A film decodes to the frames that were seen; a strip shows first and last."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from ibc_gym.errors import ConfigError
from ibc_gym.evaluation.evaluator import evaluate
from ibc_gym.evaluation.film import STRIP_HEIGHT, Film, strip, write_film
from ibc_gym.evaluation.films import film_path, worth_seeing
from ibc_gym.evaluation.results import EvalConfig, find_tape
from ibc_gym.evaluation.stage import Stage
from ibc_gym.records import UInt8


def grey(count: int, height: int, width: int) -> list[UInt8]:
    """Frames that grow brighter."""
    levels = np.linspace(20, 230, count).round().astype(np.uint8)
    return [np.full((height, width, 3), level, np.uint8) for level in levels]


@pytest.mark.parametrize(("height", "width"), [(48, 64), (61, 83)])
def test_film_decodes_to_every_frame_at_the_control_rate(
    tmp_path: Path, height: int, width: int
) -> None:
    frames = grey(23, height, width)
    write_film(tmp_path / "film.mp4", frames, 10)
    with av.open(str(tmp_path / "film.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.height, stream.width) == (height + height % 2, width + width % 2)
        assert stream.average_rate == 10
        assert stream.codec_context.pix_fmt == "yuv420p"
        seen = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(seen) == 23
    for found, shown in zip(seen, frames, strict=True):
        assert abs(found.astype(int).mean() - shown.mean()) < 4


def test_film_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="0 frames"):
        write_film(tmp_path / "film.mp4", [], 10)
    with pytest.raises(ConfigError, match="no strip"):
        strip([])


def test_strip_begins_with_the_first_frame_and_ends_with_the_last() -> None:
    frames = grey(40, 30, 40)
    picture = strip(frames)
    assert picture.shape[0] == STRIP_HEIGHT
    assert picture[0, 0, 0] == frames[0][0, 0, 0]
    assert picture[0, -1, 0] == frames[-1][0, 0, 0]


def test_strip_of_a_short_episode_shows_each_frame_once() -> None:
    assert strip(grey(3, 30, 40)).shape[1] == 3 * 200 + 2 * 4


def test_environment_that_does_not_render_cannot_be_filmed() -> None:
    stage = Stage(policy="oracle", env="particle", workcell=None, observation="state", options={})
    envs = stage.make_filmed_env()
    envs.envs[0].render_mode = None
    with pytest.raises(ConfigError, match="rgb_array"):
        Film(envs)


def test_film_of_an_evaluated_episode_shows_its_start_and_every_step(tmp_path: Path) -> None:
    config = EvalConfig(
        policy="random",
        env="particle",
        episodes=3,
        workers=1,
        films=1,
        latency_steps=0,
        out=tmp_path,
    )
    evaluation = evaluate(config)
    (shown,) = worth_seeing(evaluation.episodes, 1)
    with av.open(str(film_path(evaluation.folder / "films", shown))) as container:
        frames = sum(1 for _ in container.decode(video=0))
    assert frames == 1 + len(find_tape(evaluation.tapes, shown.seed).actions)
