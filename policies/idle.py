"""Which settings of a policy change nothing as its others are, so that a person who sets one is told.

A config itself takes them: a preset may bring the constants of an optimiser that the line beside it exchanges.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from ibc_gym.checks import owner

from .autoregressive import AutoregressiveConfig
from .ebm_config import EBMConfig
from .inputs import InputConfig
from .losses import GradientPenaltyConfig
from .mse import MSEConfig
from .nearest import NearestConfig
from .networks.factory import EncoderConfig, LateFusionConfig
from .networks.pictures import PictureConfig
from .optimisers.langevin import LangevinConfig
from .optimisers.pick import PickConfig
from .proposal import ProposalConfig

Found = tuple[Sequence[str], str]
"""Settings beside each other, and why they change nothing."""

_NO_PICTURE = "no input is a picture; have one among InputConfig.inputs"
_NO_FEATURE = "all inputs are pictures; have another among InputConfig.inputs"
_WHEN_DFO_ACTS = ("samples", "validation_samples", "pick", "pick_within")
_WHEN_LANGEVIN_ACTS = (
    *_WHEN_DFO_ACTS,
    "inference_noise",
    "second_chain",
    "second_step_initial",
    "second_step_final",
    "second_noise",
)
"""What counter-examples by an optimiser know nothing of."""


def idle(config: Any) -> dict[str, str]:
    """Settings that nothing reads, and why: {"langevin": "..."} stands for all that `config.langevin` holds.

    Args:
        config: Of a policy; of one of somebody else's nothing is known.
    """
    if not isinstance(config, InputConfig):
        return {}
    return {
        ".".join((*path, name)): why
        for path, part in _parts(config)
        for names, why in _of(part, config)
        for name in names
    }


def _parts(config: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """A config and those in it, and where they are."""
    yield path, config
    for field in dataclasses.fields(config):
        inner = getattr(config, field.name)
        if dataclasses.is_dataclass(inner):
            yield from _parts(inner, (*path, field.name))


def _of(part: Any, whole: InputConfig) -> Iterator[Found]:
    """What the rules of each of its kinds say of a part of a config."""
    for kind, rule in _RULES:
        if isinstance(part, kind):
            yield from rule(part, whole)


def _fields(kind: Any, but: str = "") -> list[str]:
    return [field.name for field in dataclasses.fields(kind) if field.name != but]


def _inputs(part: InputConfig, _: InputConfig) -> Iterator[Found]:
    if not part.image_inputs:
        yield ("image_size", "image_crop", "image_shift"), _NO_PICTURE
    if not part.feature_inputs:
        yield ("observation_noise", "feature_scale"), _NO_FEATURE


def _pictures(part: PictureConfig, whole: InputConfig) -> Iterator[Found]:
    if not whole.image_inputs:
        yield _fields(PictureConfig), _NO_PICTURE
    elif part.picture_encoder == "conv_resnet":
        yield (
            ("channels", "keypoints", "flatten", "coordinates"),
            "PictureConfig.picture_encoder is 'conv_resnet'; set it to 'conv_maxpool'",
        )
    else:
        yield (
            ("conv_resnet",),
            "PictureConfig.picture_encoder is 'conv_maxpool'; set it to 'conv_resnet'",
        )


def _encoder(part: EncoderConfig, whole: InputConfig) -> Iterator[Found]:
    if not whole.feature_inputs:
        yield ("feature_encoder", "depth"), _NO_FEATURE
    elif part.feature_encoder == "none":
        yield ("depth",), "EncoderConfig.feature_encoder is 'none'; set it to 'resnet'"
    if not part.trunk_depth and (not whole.feature_inputs or part.feature_encoder == "none"):
        yield (
            ("width", "skip", "squares"),
            "no features go through layers of their own; have pictures and features go through some together with "
            "EncoderConfig.trunk_depth",
        )


def _late_fusion(part: LateFusionConfig, _: InputConfig) -> Iterator[Found]:
    if part.value == "mlp":
        yield ("value_blocks",), "LateFusionConfig.value is 'mlp'; set it to 'dense_resnet'"


def _networks(part: EBMConfig | AutoregressiveConfig, _: InputConfig) -> Iterator[Found]:
    other = "late_fusion" if part.network == "joint" else "joint"
    yield (other,), f"{owner(part)}.network is {part.network!r}; set it to {other!r}"


def _ebm(part: EBMConfig, _: InputConfig) -> Iterator[Found]:
    counts = part.negatives.resolved(part.optimiser)
    number = "NegativesConfig.fraction_" if part.negatives.total else "NegativesConfig."
    for name, acting in (("langevin", _WHEN_LANGEVIN_ACTS), ("dfo", _WHEN_DFO_ACTS)):
        if part.optimiser == name:
            continue
        if getattr(counts, name):
            why = f"EBMConfig.optimiser is {part.optimiser!r}, so that it is of counter-examples alone"
            yield [f"{name}.{each}" for each in acting], f"{why}; set it to {name!r}"
        else:
            why = f"neither acting nor a counter-example takes the optimiser {name!r}"
            yield (name,), f"{why}; set EBMConfig.optimiser to {name!r}"
    if not counts.langevin:
        yield ("langevin.noise",), f"no counter-example is from it; set {number}langevin"
    if not counts.dfo:
        yield ("dfo.resample_last",), f"no counter-example is from it; set {number}dfo"
    if not counts.anchored:
        yield (
            [f"negatives.anchor_{name}" for name in ("scale", "scales", "unit", "edge")],
            f"no counter-example is anchored; set {number}anchored",
        )
    if not counts.proposal and not part.proposal.starts:
        yield (
            [f"proposal.{name}" for name in _fields(ProposalConfig, but="starts")],
            f"nothing takes a proposal; set {number}proposal, or ProposalConfig.starts",
        )
    if not part.penalty_weight:
        yield (
            [f"gradient_penalty.{name}" for name in _fields(GradientPenaltyConfig, but="weight")],
            "the penalty weighs nothing; set GradientPenaltyConfig.weight",
        )


def _langevin(part: LangevinConfig, _: InputConfig) -> Iterator[Found]:
    if part.schedule == "exponential":
        yield (
            ("step_final", "power", "second_step_final"),
            "LangevinConfig.schedule is 'exponential'; set it to 'polynomial'",
        )
    else:
        yield ("decay",), "LangevinConfig.schedule is 'polynomial'; set it to 'exponential'"
    if not part.second_chain:
        yield (
            ("second_step_initial", "second_step_final", "second_noise"),
            "there is no second chain; set LangevinConfig.second_chain",
        )


def _proposal(part: ProposalConfig, _: InputConfig) -> Iterator[Found]:
    other, of = ("components", "mixture") if part.kind == "flow" else ("pieces", "flow")
    yield (other,), f"ProposalConfig.kind is {part.kind!r}; set it to {of!r}"


def _pick(part: PickConfig, _: InputConfig) -> Iterator[Found]:
    if part.pick == "argmin":
        yield ("pick_within",), f"{owner(part)}.pick is 'argmin'; set it to 'sample'"


def _mse(part: MSEConfig, _: InputConfig) -> Iterator[Found]:
    yield ("boundary_buffer",), "nothing is searched or drawn in a box of actions"


def _nearest(part: NearestConfig, _: InputConfig) -> Iterator[Found]:
    yield ("boundary_buffer",), "nothing is searched or drawn in a box of actions"
    yield (
        ("mirror", "observation_noise", "image_shift"),
        "a table has no training that changes them",
    )
    if not part.image_inputs:
        yield ("projection",), _NO_PICTURE


_RULES: tuple[tuple[Any, Any], ...] = (
    (InputConfig, _inputs),
    (PictureConfig, _pictures),
    (EncoderConfig, _encoder),
    (LateFusionConfig, _late_fusion),
    (EBMConfig | AutoregressiveConfig, _networks),
    (EBMConfig, _ebm),
    (LangevinConfig, _langevin),
    (ProposalConfig, _proposal),
    (PickConfig, _pick),
    (MSEConfig, _mse),
    (NearestConfig, _nearest),
)
