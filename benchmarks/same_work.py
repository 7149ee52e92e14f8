"""The same work by the library and by a plain reference: training steps and choices of an action, on one core and on two.

    OMP_NUM_THREADS=2 python -m benchmarks.same_work [--rounds 5] [--out benchmarks/results/same_work.json]

Both sides have the same network, weights, batch and number of samples and iterations; the reference
(`benchmarks/reference/`) is written with autograd, without any short cut. Ratios are of the CPU time of one
thread, sides taken in turns and each at its best of several rounds; every kind of work has a process of its own, since
how a process gets its memory depends on what it did before. "Two cores" is the wall time of the library's work by one
thread over that by two, which says nothing on a machine that has other work. What the matrix products of a
derivative-free search take alone is measured, too: no program that evaluates the same energies is quicker. The library's
searches in bfloat16 stand beside the same reference, where the processor is quicker at that: not the same work to the
last digit, but the same search.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from benchmarks.picture_work import PictureBench, descend_in_parts
from benchmarks.reference import implicit as reference
from ibc_gym.contracts import PolicySpec
from ibc_gym.data.metadata import installed_versions
from ibc_gym.loading import load
from ibc_gym.policies.ebm import EBM, EBMConfig
from ibc_gym.policies.noise import SharedNoise
from ibc_gym.records import Windows
from ibc_gym.registry import make_policy
from ibc_gym.tables import PRESETS

BATCH: Final = 512
PIECE: Final = 512
"""Rows of a product that stay in a core's cache."""
Work = Callable[[], Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One kind of work, in the shapes of a released configuration."""

    preset: str
    features: int = 0
    """Numbers of one frame; the policy sees two, or it sees pictures."""
    actions: int = 2
    kind: str
    target: float
    """Ratio to the reference that is asked for."""
    bfloat16: bool = False
    """Whether the library searches in that."""


LANGEVIN_STEP: Final = Case(
    preset="released/particle-langevin", features=8, actions=2, kind="train", target=2.0
)
LANGEVIN: Final = replace(LANGEVIN_STEP, kind="act")
DFO: Final = Case(
    preset="released/push-states-dfo-fast", features=10, actions=2, kind="act", target=2.0
)
CASES: Final = {
    "Langevin training step, 512 x 8 chains of 100 steps": LANGEVIN_STEP,
    "InfoNCE training step, 512 x 257": replace(DFO, kind="train", target=1.8),
    "DFO, 16,384 samples x 3": DFO,
    "Langevin, 512 chains of 100 steps": LANGEVIN,
    "Langevin training step, 512 x 8 x 100, bfloat16": replace(LANGEVIN_STEP, bfloat16=True),
    "DFO, 16,384 samples x 3, bfloat16 but for the best": replace(DFO, bfloat16=True),
    "Langevin, 512 chains of 100 steps, bfloat16": replace(LANGEVIN, bfloat16=True),
    "InfoNCE training step by pictures, 128 x 65": Case(
        preset="fast/pixels", kind="train", target=2.0
    ),
}


class Bench:
    """A policy of the library and the reference with its weights."""

    def __init__(self, case: Case) -> None:
        torch.manual_seed(0)
        rng = np.random.default_rng(0)
        preset = load(PRESETS, case.preset, "preset")
        config = in_bfloat16(preset.config) if case.bfloat16 else preset.config
        spec = PolicySpec(
            task="bench",
            observation_space=spaces.Dict({"state": spaces.Box(-1, 1, (case.features,))}),
            action_space=spaces.Box(-1, 1, (case.actions,)),
            control_period=0.1,
        )
        windows = Windows(
            frames={"state": rng.uniform(-1, 1, (2000, case.features)).astype(np.float32)},
            index=np.stack([np.arange(2000)] * 2, axis=1),
            action=rng.uniform(-1, 1, (2000, case.actions)).astype(np.float32),
            episode=np.zeros(2000, np.int64),
        )
        self.policy = cast("EBM", make_policy(preset.policy, spec, config))
        self.policy.fit(windows)
        self.batch = self.policy.encode(windows).batch(torch.arange(BATCH))
        self.config = cast("EBMConfig", config)
        self.at_once = preset.training.micro_batch or BATCH
        self.plain = same_network(self.policy, 2 * case.features + case.actions, self.config)
        self.generator = torch.Generator().manual_seed(0)
        self.actions = case.actions

    def uniform(self, rows: int, samples: int) -> Tensor:
        box = self.policy.box
        unit = torch.rand(rows, samples, self.actions, generator=self.generator)
        return box.low + unit * (box.high - box.low)

    def normal(self, rows: int, samples: int) -> Tensor:
        return torch.randn(rows, samples, self.actions, generator=self.generator)

    def training(self) -> tuple[Work, Work]:
        """One update by the library and one by the reference."""
        ours = torch.optim.Adam(self.policy.parameters(), lr=1e-9)
        theirs = torch.optim.Adam(self.plain.parameters(), lr=1e-9)
        box, batch = self.policy.box, self.batch
        counts = self.config.negatives.resolved(self.config.optimiser)

        def library() -> None:
            ours.zero_grad()
            descend_in_parts(self.policy, batch, self.at_once, self.generator)
            ours.step()

        def plain() -> None:
            if self.config.optimiser == "langevin":
                samples = counts.langevin
                noises = [
                    self.normal(BATCH, samples) for _ in range(self.config.langevin.iterations)
                ]
                start = self.uniform(BATCH, samples)
                negatives = reference.langevin(
                    self.plain, batch["features"], start, noises, low=box.low, high=box.high
                )
                loss = reference.langevin_loss(
                    self.plain, batch["features"], batch["action"], negatives
                )
            else:
                negatives = self.uniform(BATCH, counts.uniform)
                loss = reference.info_nce(self.plain, batch["features"], batch["action"], negatives)
            theirs.zero_grad()
            loss.backward()
            theirs.step()

        return library, plain

    def acting(self) -> tuple[Work, Work]:
        """One action by the library and one by the reference."""
        box, observed = self.policy.box, self.batch["features"][:1]
        inputs = {"features": observed}
        noise = SharedNoise(self.generator, torch.device("cpu"))
        self.policy.eval()

        def library() -> Tensor:
            with torch.no_grad():
                return self.policy._choose(inputs, noise)

        def plain() -> Tensor:
            if self.config.optimiser == "langevin":
                options = self.config.langevin
                noises = [self.normal(1, options.samples) for _ in range(options.iterations)]
                start = self.uniform(1, options.samples)
                ends = reference.langevin(
                    self.plain, observed, start, noises, low=box.low, high=box.high
                )
                with torch.no_grad():
                    return ends[0, self.plain(observed, ends).argmin()]
            samples, again = self.config.dfo.samples, self.config.dfo.iterations - 1
            return reference.dfo(
                self.plain,
                observed,
                self.uniform(1, samples),
                [torch.rand(1, samples, generator=self.generator) for _ in range(again)],
                [self.normal(1, samples) for _ in range(again)],
                low=box.low,
                high=box.high,
            )

        return library, plain

    def products(self) -> Work:
        """The matrix products alone of all energies of one action, as many rows at once as the library takes."""
        judged = self.config.dfo.samples * self.config.dfo.iterations
        rows = torch.randn(PIECE, self.config.joint.width)
        layers = [
            layer.weight.detach()
            for layer in self.policy.network.value.modules()
            if isinstance(layer, torch.nn.Linear) and layer.in_features == layer.out_features
        ]
        out = torch.empty_like(rows)

        def bare() -> None:
            for _ in range(judged // PIECE):
                for weight in layers:
                    torch.mm(rows, weight, out=out)

        return bare


def in_bfloat16(config: EBMConfig) -> EBMConfig:
    """The same with searches in bfloat16."""
    return replace(
        config,
        dfo=replace(config.dfo, bfloat16=True),
        langevin=replace(config.langevin, bfloat16=True),
    )


def multiplies_bfloat16() -> bool:
    """Whether the processor is quicker at it than in single precision."""
    torch.set_num_threads(1)
    single = torch.randn(PIECE, PIECE)
    times = []
    for matrix in (single, single.to(torch.bfloat16)):
        torch.mm(matrix, matrix)
        times.append(min(cpu_seconds(partial(torch.mm, matrix, matrix)) for _ in range(20)))
    return times[1] < times[0]


def same_network(policy: EBM, inputs: int, config: EBMConfig) -> reference.JointResNet:
    """The reference's network with a policy's weights, whose joint network is a ResNet as the presets have it."""
    plain = reference.JointResNet(inputs, config.joint.width, config.joint.depth)
    ours = policy.network.value.state_dict()
    plain.load_state_dict({name: ours[name] for name in plain.state_dict()})
    return plain


def cpu_seconds(work: Work) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def wall_seconds(work: Work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def works(case: Case) -> tuple[Work, Work, Work | None]:
    """What the library does, what the reference does, and the matrix products alone if nothing can be quicker."""
    if not case.features:
        return (*PictureBench(case.preset).training(), None)
    bench = Bench(case)
    if case.kind == "train":
        return (*bench.training(), None)
    alone = bench.config.optimiser == "dfo" and not case.bfloat16
    return (*bench.acting(), bench.products() if alone else None)


def measure(name: str, case: Case, rounds: int) -> dict[str, Any]:
    """Both sides in turns by one thread, then the library by one and by two."""
    library, plain, bare = works(case)
    torch.set_num_threads(1)
    library(), plain()
    ours, theirs = zip(
        *((cpu_seconds(library), cpu_seconds(plain)) for _ in range(rounds)), strict=True
    )
    alone, together = [], []
    for _ in range(rounds):
        torch.set_num_threads(1)
        alone.append(wall_seconds(library))
        torch.set_num_threads(2)
        together.append(wall_seconds(library))
    torch.set_num_threads(1)
    alone_in_products = {}
    if bare:
        alone_in_products["products_cpu_seconds"] = min(
            cpu_seconds(bare) for _ in range(rounds + 1)
        )
    return {
        "work": name,
        "preset": case.preset,
        "library_cpu_seconds": min(ours),
        "reference_cpu_seconds": min(theirs),
        "ratio": min(theirs) / min(ours),
        "target": case.target,
        "one_thread_wall_seconds": min(alone),
        "two_threads_wall_seconds": min(together),
        "two_cores": min(alone) / min(together),
        **alone_in_products,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="also write the figures here, as JSON")
    arguments = parser.parse_args()
    print(f"{'':52}{'reference':>11}{'library':>9}{'ratio':>7}{'target':>8}{'2 cores':>9}")
    rows, half = [], multiplies_bfloat16()
    for name, case in CASES.items():
        if case.bfloat16 and not half:
            print(f"{name:52}  left out: this processor does not multiply bfloat16 itself")
            continue
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            row = pool.apply(measure, (name, case, arguments.rounds))
        rows.append(row)
        print(
            f"{name:52}{row['reference_cpu_seconds']:9.3f} s{row['library_cpu_seconds']:7.3f} s"
            f"{row['ratio']:6.2f}x{row['target']:7.1f}x{row['two_cores']:8.2f}x",
            flush=True,
        )
    if arguments.out:
        command = "python -m benchmarks.same_work " + shlex.join(sys.argv[1:])
        record = {"command": command, "versions": installed_versions(), "rows": rows}
        arguments.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
