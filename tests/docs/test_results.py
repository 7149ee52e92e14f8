"""The page of results: rows that are missing are said to be, and who does not beat whom is said plainly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from docs import make_results, results_of_quality, results_of_speed
from docs.verdicts import Score, sentence, verdict


def scored(name: str, low: float, high: float, *, is_rate: bool = False) -> Score:
    mean = (low + high) / 2
    return Score(name=name, mean=mean, edges=(low, high), is_rate=is_rate, said=f"{mean:g}")


@pytest.mark.parametrize(
    "low, high, expected",
    [(0.1, 0.2, "better"), (0.1, 0.5, "not told apart"), (0.8, 0.9, "worse")],
)
def test_verdict_on_returns_is_by_ranges_that_do_not_overlap(
    low: float, high: float, expected: str
) -> None:
    assert verdict(scored("implicit", 0.4, 0.6), scored("MSE", low, high)) == expected


@pytest.mark.parametrize(
    "low, high, expected",
    [
        (0.3, 0.4, "better"),
        # These two intervals of rates touch; their difference is 0.14 with an interval of +- 0.128.
        (0.28, 0.44, "better"),
        (0.34, 0.46, "not told apart"),
        (0.56, 0.72, "worse"),
    ],
)
def test_verdict_on_rates_is_by_the_interval_of_their_difference(
    low: float, high: float, expected: str
) -> None:
    implicit = scored("implicit", 0.4, 0.6, is_rate=True)
    assert verdict(implicit, scored("MSE", low, high, is_rate=True)) == expected


def test_where_implicit_beats_all_it_is_said_beside_whom() -> None:
    beaten = [scored(name, 0.1, 0.2) for name in ("MDN", "MDN, as long", "MSE")]
    said = sentence("Push", scored("implicit", 0.9, 1.0), beaten)
    assert said.startswith(
        "**Push: implicit beats explicit.** At 0.95 it is better than MDN (0.15)"
    )
    assert said.endswith("(0.15), MDN, as long (0.15) and MSE (0.15).")


def test_who_is_not_beaten_is_named() -> None:
    said = sentence(
        "Push",
        scored("implicit", 0.4, 0.6),
        [scored("MDN", 0.7, 0.9), scored("MSE", 0.5, 0.7), scored("nearest", 0.0, 0.2)],
    )
    assert "implicit does not beat explicit" in said
    assert (
        "worse than MDN (0.8) and not told apart from MSE (0.6); it is better than nearest" in said
    )


def test_policies_that_are_neither_implicit_nor_explicit_decide_nothing_and_are_told() -> None:
    said = sentence(
        "Push",
        scored("implicit", 0.4, 0.6),
        [scored("MSE", 0.1, 0.2)],
        [scored("diffusion", 0.7, 0.9), scored("flow matching", 0.5, 0.7)],
    )
    assert said.startswith(
        "**Push: implicit beats explicit.** At 0.5 it is better than MSE (0.15)."
    )
    assert said.endswith(
        "it is worse than diffusion (0.8) and not told apart from flow matching (0.6)."
    )


def measured() -> dict[str, Any]:
    """The row of the particle of 8 dimensions, in which MSE is as good."""
    figure = {"mean": 0.98, "ci95": [0.96, 0.99], "by_seed": [0.98, 0.98, 0.98]}
    method = {
        "preset": "fast/particle-8",
        "command": "ibc-gym train",
        "updates": [3000, 3000, 3000],
        "cpu_seconds": [30.0, 31.0, 32.0],
        "judged": {"": {"best": figure, "last": figure, "command": "ibc-gym eval"}},
    }
    return {
        "row": "particle-8",
        "command": "python -m benchmarks.quality particle-8",
        "training_seeds": [0, 1, 2],
        "data": {"episodes": 2000, "steps": 100_000, "fingerprint": "0123456789abcdef"},
        "methods": {"implicit": method, "MDN": method, "MSE": method},
    }


def test_a_measured_row_has_its_figures_and_every_other_is_said_to_be_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(results_of_quality, "results", lambda name: [measured()])
    section = results_of_quality.section()
    (line,) = [row for row in section.splitlines() if row.startswith("| particle, N = 8 ")]
    assert "98.0 % (96.0 to 99.0)" in line and "3,000 | 31 |" in line
    assert "**Particle, N = 8: implicit does not beat explicit.**" in section
    assert "`python -m benchmarks.quality particle-8` (training seeds 0, 1, 2)" in section
    for about in ("particle, N = 16", "door, 25 human demonstrations, 300 steps", "sort 4 + 4"):
        (line,) = [row for row in section.splitlines() if row.startswith(f"| {about}")]
        assert "not measured yet" in line


def test_a_row_of_which_a_method_is_missing_has_its_figures_and_no_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = measured()
    del row["methods"]["MDN"]
    monkeypatch.setattr(results_of_quality, "results", lambda name: [row])
    lines = results_of_quality.section().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| particle, N = 8 "))
    assert "98.0 % (96.0 to 99.0)" in lines[start]
    assert "not measured yet" in lines[start + 1]
    assert "98.0 % (96.0 to 99.0)" in lines[start + 2]
    assert not [line for line in lines if "Particle, N = 8" in line]


def test_most_exact_from_few_pictures_has_the_least_error_of_each_kind() -> None:
    rows = [
        {
            "learned": 10,
            "kind": kind,
            "cpu_seconds": 40.0,
            "within_median_px": within,
            "beyond_median_px": 1 - within,
            "within_rms_px": 1 - within,
            "beyond_rms_px": within,
            "within_to_a_pixel": 0.9,
            "beyond_to_a_pixel": 0.8,
        }
        for kind, within in (("implicit", 0.2), ("MSE", 0.6))
    ]
    said = results_of_quality.coordinates({"rows": rows, "command": "python"})
    assert (
        "The most exact from 10 pictures: by the median implicit within what was learned and MSE beyond it, by the root mean "
        "square MSE and implicit."
    ) in said


def test_exports_are_as_many_times_as_fast_as_python_takes_longer() -> None:
    rows = {"fast/push": {"python": 3.0, "onnx": 2.0}}
    said = results_of_speed._exported({"rows": rows, "command": "python"})
    assert "| `fast/push` | 3.00 ms | 2.00 ms (1.5 ×) |" in said


def test_a_time_of_which_a_baseline_is_missing_has_its_figures_and_no_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = {"success_rate": 0.97, "ci95": [0.96, 0.98]}
    row: dict[str, Any] = {
        "row": "push-raw",
        "preset": "fast/push",
        "least": 0.95,
        "command": "python -m benchmarks.time_to_quality push-raw",
        "pooled": {"fast/push": found, "fast/push-mse": found},
        "runs": [
            {"preset": name, "successes": 97, "episodes": 100}
            for name in ("fast/push", "fast/push-mse")
        ],
    }
    monkeypatch.setattr(make_results, "results", lambda name: [row])
    section = make_results._time()
    assert "| `fast/push` | 97.0 % (96.0 to 98.0) | 97.0 | ≥ 95.0 % |" in section
    assert "| `fast/push-mdn` | not measured yet |" in section
    assert "- **`push-raw`" not in section
    row["pooled"]["fast/push-mdn"] = found
    row["runs"].append({"preset": "fast/push-mdn", "successes": 97, "episodes": 100})
    assert "- **`push-raw`: implicit does not beat explicit.**" in make_results._time()


def test_no_more_is_missed_than_what_is_known() -> None:
    """Whoever measures again, and reaches less, is to see it here; whoever reaches more takes the line away."""
    page = (Path(results_of_quality.__file__).parent / "results.md").read_text()
    missed = [line.split("|")[1].strip() for line in page.splitlines() if ", missed" in line]
    assert missed == [
        "DFO, 16,384 samples x 3",
        "InfoNCE training step by pictures, 128 x 65",
    ]
