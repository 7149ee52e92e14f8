"""What is quick and how cost grows, on docs/results.md: the same work, latency, environments, recording, simulators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from docs.pages import from_file, made_by, table

SAME: Final = """## The same work

The library beside a plain reference written with autograd (`benchmarks/reference/`): the same network, batch and
counter-examples, on one core; every kind of work has a process of its own. A ratio below the target is a target that was missed.
"""

LATENCY: Final = """## Latency

One action for one environment on one core, observation to action.
"""

DEVICES: Final = """## Devices

An update of the trainer's own, by the preset's batch, and one robot's action from the camera's picture on. An update's time is
the device's, an action's the wall's. A policy that looks at pictures five times a second has 10 ms for an action, in 95 of 100.
`--device cuda --compile` measures a GPU, whose rows then stand beside these.
"""

EXPORTED: Final = """## Exported policies

CPU time of an action for one robot on one core, by the policy in Python and by what `ibc-gym export` makes of it
([docs/export.md](export.md)); in brackets how many times as fast.
"""

ENVIRONMENTS: Final = """## Speed of the environments

Steps per CPU second of one core, resets included.
"""

RECORDING: Final = """## Speed of recording

Scripted demonstrations of `push` in MuJoCo from nothing to a data set on the disk, wall time; the data are the same whatever the number
of processes.
"""

DATA: Final = """## Data sets

Per CPU second of one core, beside the same written plainly in the same run.
"""

SIMULATORS: Final = """## The same commands in two simulators

What the demonstrator did in the first is done in the second; then it does the task in each by itself.
"""

GROWTH: Final = """## How cost grows

CPU time of a training step, both axes logarithmic; the dashed line is linear growth. An exponent of 1 is linear. Small steps have
a share that does not grow, so the last three points say more.
"""


def sections() -> list[str]:
    """Headings and what was measured, in turns."""
    return [
        SAME,
        from_file("same_work", _same_work),
        LATENCY,
        from_file("policy_latency", _latency),
        DEVICES,
        from_file("on_device", _on_device),
        EXPORTED,
        from_file("export", _exported),
        ENVIRONMENTS,
        from_file("push_env", _push_env),
        from_file("particle", _particle),
        from_file("threads", _threads),
        RECORDING,
        from_file("record_push", _record_push),
        DATA,
        from_file("data", _data),
        from_file("training", _training),
        SIMULATORS,
        from_file("compare_sims", _compare_sims),
        GROWTH,
        from_file("cost_growth", _growth),
    ]


def _same_work(found: Mapping[str, Any]) -> str:
    lines = [
        (
            row["work"],
            f"`{row['preset']}`",
            f"{row['reference_cpu_seconds']:.3f} s",
            f"{row['library_cpu_seconds']:.3f} s",
            f"{row['ratio']:.2f}",
            f"≥ {row['target']:.1f}{'' if row['ratio'] >= row['target'] else ', missed'}",
            f"{row['two_cores']:.2f}",
        )
        for row in found["rows"]
    ]
    heads = ("work", "preset", "reference", "library", "ratio", "target", "two cores over one")
    floors = [
        f"The matrix products of {row['work']} take {row['products_cpu_seconds']:.3f} s alone: single precision allows no ratio "
        f"above {row['reference_cpu_seconds'] / row['products_cpu_seconds']:.2f} on that core."
        for row in found["rows"]
        if "products_cpu_seconds" in row
    ]
    return "\n\n".join([table(heads, lines), *floors, made_by(found["command"])])


def _latency(found: Mapping[str, Any]) -> str:
    lines = [
        (
            f"`{name}`",
            *(f"{row[key]:.2f}" for key in ("median_ms", "p95_ms", "cpu_median_ms")),
            f"{row['ratio']:.1f}",
        )
        for name, row in found["rows"].items()
    ]
    heads = (
        "preset",
        "median [ms]",
        "95th percentile [ms]",
        "CPU, median [ms]",
        "over MSE of that size",
    )
    return f"{table(heads, lines)}\n\n{made_by(found['command'])}"


def _on_device(found: Sequence[Mapping[str, Any]]) -> str:
    kinds = dict.fromkeys(kind for row in found for kind in row["update_ms"])
    lines = [
        (
            row["device"],
            f"`{row['preset']}`",
            "pictures" if row["pictures"] else "states",
            str(row["batch_size"]),
            *(
                f"{row['update_ms'][kind]:,.1f}" if kind in row["update_ms"] else ""
                for kind in kinds
            ),
            f"{row['action_median_ms']:.1f}",
            f"{row['action_p95_ms']:.1f}",
        )
        for row in found
    ]
    updates = (f"update in {kind} [ms]" for kind in kinds)
    actions = ("action, median [ms]", "95th percentile [ms]")
    heads = ("device", "preset", "sees", "batch", *updates, *actions)
    commands = dict.fromkeys(made_by(row["command"]) for row in found)
    gpu = any(row["device"] != "one core" for row in found)
    missing = () if gpu else ("No GPU has been measured yet.",)
    return "\n\n".join([table(heads, lines), *missing, *commands])


def _exported(found: Mapping[str, Any]) -> str:
    forms = [form for form in next(iter(found["rows"].values())) if form != "python"]
    lines = [
        (
            f"`{preset}`",
            f"{row['python']:.2f} ms",
            *(f"{row[form]:.2f} ms ({row['python'] / row[form]:.1f} ×)" for form in forms),
        )
        for preset, row in found["rows"].items()
    ]
    return f"{table(('preset', 'in Python', *forms), lines)}\n\n{made_by(found['command'])}"


def _push_env(found: Mapping[str, Any]) -> str:
    lines = [
        (
            f"`{row['task']}` in `{row['workcell']}`",
            row["what"],
            f"{row['rate']:,.0f}",
            f"{row['ratio']:.1f}" if "ratio" in row else "",
        )
        for row in found["rows"]
        if "rate" in row
    ]
    heads = ("environment", "observation", "steps per CPU second", "over the published environment")
    return f"{table(heads, lines)}\n\n{made_by(found['command'])}"


def _particle(found: Mapping[str, Any]) -> str:
    keys = {
        "as arrays [steps/s]": "as arrays",
        "as arrays, with oracle and seeded resets [steps/s]": "with oracle and resets",
        "baseline: SyncVectorEnv of 64 [steps/s]": "Gymnasium's SyncVectorEnv",
        "published, with recording, cited [steps/s]": "published, recording, cited",
    }
    lines = [
        (str(row["dimensions"]), *(f"{row[key]:,.0f}" for key in keys)) for row in found["rows"]
    ]
    return (
        f"{table(('particle, dimensions', *keys.values()), lines)}\n\n{made_by(found['command'])}"
    )


def _threads(found: Mapping[str, Any]) -> str:
    lines = [
        (
            f"`{row['task']}`",
            *(
                f"{row['steps_per_s'][f'environments, {name}']:,.0f}"
                for name in ("1 thread", "2 threads")
            ),
            f"{row['ratio']:.2f}",
        )
        for row in found["rows"]
    ]
    heads = ("64 environments in MuJoCo", "steps/s, 1 thread", "2 threads", "ratio")
    return f"{table(heads, lines)}\n\n{made_by('python benchmarks/threads.py --out …')}"


def _record_push(found: Mapping[str, Any]) -> str:
    walls = found["wall_seconds_by_processes"]
    lines = [
        (
            processes,
            f"{seconds:.1f} s",
            f"{found['episodes'] / seconds:.1f}",
            f"{walls['1'] / seconds:.2f}",
        )
        for processes, seconds in walls.items()
    ]
    heads = (
        "processes",
        f"{found['episodes']:,} episodes in",
        "episodes/s",
        "over one process",
    )
    return f"{table(heads, lines)}\n\n{made_by(found['command'])}"


def _data(found: Mapping[str, Any]) -> str:
    figures = found["figures"]
    lines = [
        (what, f"{figures[rate]:,.0f}", plainer, f"{figures[ratio]:,.0f} ×")
        for what, rate, plainer, ratio in (
            (
                "steps of the particle recorded",
                "record_particle_steps_per_s",
                "a commit per episode",
                "record_particle_ratio",
            ),
            (
                "episodes opened, of 2,000",
                "open_episodes_per_s",
                "a segment per episode",
                "open_ratio",
            ),
            (
                "windows of two frames drawn, 512 a batch",
                "windows_per_s",
                "sample by sample",
                "windows_ratio",
            ),
        )
    ]
    heads = ("what", "per second", "beside", "ratio")
    return f"{table(heads, lines)}\n\n{made_by(found['command'])}"


def _training(found: Mapping[str, Any]) -> str:
    lines = [
        (
            f"`{row['policy']}`",
            f"{row['trainer, loading included [updates/CPU-s]']:.0f}",
            f"{row['trainer / baseline']:.2f} ×",
            f"{row['loading alone [batches/CPU-s]']:,.0f}",
            f"{row['loading / baseline']:.0f} ×",
        )
        for row in found["rows"]
    ]
    heads = (
        "policy",
        "updates, loading included",
        "over a plain loop with a `DataLoader`",
        "batches loaded",
        "over the `DataLoader`",
    )
    return f"{table(heads, lines)}\n\n{made_by(found['command'])}"


def _compare_sims(found: Mapping[str, Any]) -> str:
    return "\n\n".join(_compared(row) for row in found["rows"])


def _compared(row: Mapping[str, Any]) -> str:
    first, second = (f"`{workcell}`" for workcell in row["workcells"])
    same, oracle = row["same_commands"], row["trials"]["oracle"]
    apart = same["seconds_from_contact_until_5_mm_apart"]
    own = " and ".join(
        f"{oracle[which]['successes']} of {oracle[which]['episodes']}"
        for which in ("first", "second")
    )
    return (
        f"`{row['task']}` in {first} and in {second}: before the first contact the tips are at most "
        f"{same['tip_gap_before_contact_mm']['largest']:.2f} mm apart. With the same commands the things are 5 mm apart "
        f"{apart['median']:.1f} s after it (median of {apart['episodes']} episodes), and {same['success_in_second']} of "
        f"{same['episodes']} episodes succeed in the second; whoever looks succeeds in both: {own}.\n\n{made_by(row['command'])}"
    )


def _growth(found: Mapping[str, Any]) -> str:
    lines = [
        (
            row["title"],
            ", ".join(f"{point['at']:g}: {point['cpu_ms']:.1f}" for point in row["points"]),
            f"{row['exponent']:.2f}",
            f"{row['exponent_of_last_three']:.2f}",
        )
        for row in found["rows"]
    ]
    heads = ("sweep", "CPU time [ms]", "exponent", "of the last three")
    picture = "![CPU time of a training step, in four sweeps](images/cost-growth.svg)"
    return f"{picture}\n\n{table(heads, lines)}\n\n{made_by(found['command'])}"
