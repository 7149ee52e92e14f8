"""Constants of every published configuration, from the appendix of Florence et al. 2021 and from the configuration files
released with it; by hand, and from nothing that the presets are made of. Where the paper is silent, the released code counts."""

from __future__ import annotations

from typing import Any, Final

Constants = dict[str, Any]
"""By the way to them from the preset on."""


def config(**values: Any) -> Constants:
    return {f"config.{name.replace('__', '.')}": value for name, value in values.items()}


def training(**values: Any) -> Constants:
    return {f"training.{name}": value for name, value in values.items()}


def joint(width: int, depth: int, dense: str = "regular", trunk: str = "resnet") -> Constants:
    names = ("network", "joint__width", "joint__depth", "joint__dense", "joint__trunk")
    return config(
        **dict(zip(names, ("joint", width, depth, dense, trunk), strict=True)),
        joint__dropout=0.0,
        joint__activation="relu",
        joint__initialisation="normal",
    )


def explicit(policy: str, width: int, depth: int, dropout: float = 0.1) -> Constants:
    trained = config(width=width, depth=depth, dropout=dropout, initialisation="normal")
    return {"policy": policy} | trained | config(activation="relu", trunk="resnet")


def mixture(temperature: float, exponent: float) -> Constants:
    return config(
        components=26,
        training_temperature=temperature,
        acting_temperature=temperature,
        scale_exponent=exponent,
        scale_floor=0.0,
    )


def dfo(samples: int, counter_examples: int = 256) -> Constants:
    return config(
        optimiser="dfo",
        loss="info_nce",
        dfo__samples=samples,
        dfo__iterations=3,
        dfo__sigma=0.33,
        dfo__shrink=0.5,
        dfo__temperature=1.0,
        dfo__keep_best=False,
        negatives__uniform=counter_examples,
        negatives__anchored=0,
        penalty_weight=0.0,
    )


def langevin(samples: int, counter_examples: int, iterations: int) -> Constants:
    return config(
        optimiser="langevin",
        loss="info_nce",
        langevin__pick="argmin",
        langevin__dynamics="published",
        langevin__samples=samples,
        langevin__iterations=iterations,
        langevin__schedule="polynomial",
        langevin__power=2.0,
        langevin__step_final=1e-5,
        negatives__langevin=counter_examples,
        negatives__uniform=0,
        negatives__anchored=0,
        penalty_weight=1.0,
        gradient_penalty__margin=1.0,
        gradient_penalty__norm="linf",
        gradient_penalty__points="end",
    )


def steps(first: float, clip: float, noise: float, acting_noise: float) -> Constants:
    return config(
        langevin__step_initial=first,
        langevin__delta_clip=clip,
        langevin__noise=noise,
        langevin__inference_noise=acting_noise,
    )


def again(first: float, noise: float) -> Constants:
    """A second chain."""
    return config(
        langevin__second_chain=True,
        langevin__second_step_initial=first,
        langevin__second_step_final=1e-5,
        langevin__second_noise=noise,
    )


ONCE: Final = config(langevin__second_chain=False)
SLOW_STEPS: Final = steps(0.1, 0.1, 1.0, 1.0)
HUMAN_CHAINS: Final = again(1e-5, 0.5)
LEAST: Final = config(dfo__pick="argmin", dfo__resample_last=False)
DRAWN: Final = config(dfo__pick="sample", dfo__resample_last=True)
STANDARDISED: Final = config(action_normalisation="standardise")
MIN_MAX: Final = config(action_normalisation="min_max")
AT_NEGATIVES: Final = config(gradient_penalty__include_positive=False)
AT_ALL: Final = config(gradient_penalty__include_positive=True)


def pictures(height: int, width: int) -> Constants:
    return config(inputs=("image",), image_size=(height, width))


def fused(width: int) -> Constants:
    """ConvMaxPool, then a DenseResnetValue of one block."""
    return config(
        network="late_fusion",
        late_fusion__picture_encoder="conv_maxpool",
        late_fusion__coordinates=False,
        late_fusion__value="dense_resnet",
        late_fusion__value_width=width,
        late_fusion__value_blocks=1,
        late_fusion__initialisation="normal",
    )


MAXPOOL: Final = config(picture_encoder="conv_maxpool", coordinates=True)
COMMON: Final = {
    **config(history=2, boundary_buffer=0.05, feature_scale="std"),
    **training(
        steps=100_000,
        batch_size=512,
        learning_rate=1e-3,
        schedule="exponential",
        decay_steps=100,
        warmup=0,
        average_decay=None,
        weight_decay=0.0,
    ),
}
"""What holds unless a configuration says otherwise."""


def sweeping(*inputs: str, batch_size: int) -> Constants:
    seen = config(inputs=inputs, image_size=(96, 96), action_normalisation="standardise")
    return seen | training(steps=1_000_000, batch_size=batch_size, learning_rate=1e-4)


SWEPT: Final = {"policy": "autoregressive"} | config(
    late_fusion__picture_encoder="conv_resnet",
    late_fusion__conv_resnet__filters=64,
    late_fusion__conv_resnet__blocks=8,
    late_fusion__conv_resnet__heads=64,
    late_fusion__conv_resnet__pooling="spatial_softmax",
    late_fusion__feature_encoder="none",
    late_fusion__value="dense_resnet",
    late_fusion__value_blocks=6,
    late_fusion__initialisation="normal",
    counter_examples=1024,
    shared_trunk=False,
    autoregressive__samples=1024,
    autoregressive__iterations=3,
    autoregressive__sigma=0.33,
    autoregressive__shrink=0.5,
    autoregressive__pick="argmin",
)
SWEPT_MSE: Final = {"policy": "mse"} | config(
    picture_encoder="conv_resnet",
    conv_resnet__filters=64,
    conv_resnet__blocks=8,
    conv_resnet__pooling="average",
    trunk="dense_resnet",
    depth=6,
    dropout=0.1,
    initialisation="normal",
)
EBM: Final = {"policy": "ebm"}
REAL: Final = EBM | pictures(90, 120) | STANDARDISED | LEAST
REAL_MSE: Final = pictures(90, 120) | MAXPOOL | STANDARDISED | training(batch_size=128)
PIXELS: Final = EBM | pictures(180, 240) | fused(1024) | training(batch_size=128)

_PAPER: Final[dict[str, Constants]] = {
    "push-states-dfo": EBM | dfo(16_384) | LEAST | joint(128, 8) | STANDARDISED,
    "push-states-mse": explicit("mse", 1024, 8) | STANDARDISED | training(learning_rate=5e-4),
    "push-states-mdn": explicit("mdn", 512, 8) | mixture(1.0, 1.0) | STANDARDISED,
    "push-pixels-dfo": PIXELS | dfo(4096) | LEAST | STANDARDISED,
    "push-pixels-mse": (
        explicit("mse", 512, 4)
        | pictures(180, 240)
        | MAXPOOL
        | STANDARDISED
        | training(batch_size=64)
    ),
    "push-pixels-mdn": (
        explicit("mdn", 512, 8)
        | mixture(2.0, 4.0)
        | pictures(90, 120)
        | MAXPOOL
        | MIN_MAX
        | training(batch_size=32)
    ),
    "particle-langevin": (
        EBM
        | langevin(512, 64, 50)
        | SLOW_STEPS
        | ONCE
        | AT_NEGATIVES
        | MIN_MAX
        | joint(128, 16, "spectral_norm")
        | training(steps=50_000, batch_size=128)
    ),
    "particle-mse": explicit("mse", 128, 16) | STANDARDISED | training(decay_steps=200),
    "human-ebm": (
        EBM
        | langevin(512, 8, 100)
        | steps(0.5, 0.5, 0.5, 0.5)
        | HUMAN_CHAINS
        | AT_NEGATIVES
        | MIN_MAX
        | joint(512, 8, "spectral_norm")
        | config(history=1)
        | training(learning_rate=5e-4)
    ),
    "human-mse": explicit("mse", 2048, 8) | STANDARDISED | training(decay_steps=200),
    "planar-sweeping": SWEPT | sweeping("image", batch_size=64),
    "planar-sweeping-mse": SWEPT_MSE | sweeping("image", batch_size=64),
    "bimanual-sweeping": SWEPT | sweeping("image", "robot", batch_size=32),
    "bimanual-sweeping-mse": SWEPT_MSE | sweeping("image", "robot", batch_size=32),
    "real-push": REAL | dfo(1024) | fused(1024) | training(batch_size=128),
    "real-push-mse": explicit("mse", 512, 4) | REAL_MSE,
    "real-push-multimodal": REAL | dfo(1024) | fused(1024) | training(batch_size=256),
    "real-push-multimodal-mse": explicit("mse", 1024, 4) | REAL_MSE,
    "real-insert": REAL | dfo(2048) | fused(2048) | training(batch_size=256),
    "real-insert-mse": explicit("mse", 1024, 4) | REAL_MSE,
    "real-sort": REAL | dfo(2048) | fused(1024) | training(batch_size=256),
    "real-sort-mse": explicit("mse", 1024, 4) | REAL_MSE,
}

PARTICLE: Final = EBM | langevin(512, 8, 100) | SLOW_STEPS | ONCE | AT_ALL | MIN_MAX
HALF: Final = training(steps=50_000)

_RELEASED: Final[dict[str, Constants]] = {
    "push-states-dfo": EBM | dfo(16_384) | DRAWN | joint(128, 8) | MIN_MAX,
    "push-states-dfo-fast": EBM | dfo(16_384) | DRAWN | joint(128, 16) | MIN_MAX | HALF,
    "push-states-langevin": (
        EBM
        | langevin(512, 8, 100)
        | SLOW_STEPS
        | again(0.1, 1.0)
        | AT_ALL
        | joint(128, 16)
        | MIN_MAX
    ),
    "push-states-mse": explicit("mse", 1024, 8) | STANDARDISED | training(learning_rate=5e-4),
    "push-states-mse-fast": explicit("mse", 128, 16) | STANDARDISED | HALF,
    "push-states-mdn": explicit("mdn", 512, 8) | mixture(1.0, 1.0) | STANDARDISED,
    "push-pixels-dfo": PIXELS | dfo(2048) | DRAWN | STANDARDISED,
    "push-pixels-langevin": (
        PIXELS | langevin(2048, 8, 100) | SLOW_STEPS | again(0.1, 1.0) | AT_ALL | MIN_MAX
    ),
    "push-pixels-mse": (
        explicit("mse", 512, 4)
        | pictures(180, 240)
        | MAXPOOL
        | STANDARDISED
        | training(batch_size=128)
    ),
    "push-pixels-mdn": (
        explicit("mdn", 512, 8)
        | mixture(2.0, 4.0)
        | pictures(90, 120)
        | MAXPOOL
        | MIN_MAX
        | training(batch_size=128)
    ),
    "particle-langevin": PARTICLE | joint(256, 2),
    "particle-langevin-best": PARTICLE | joint(2048, 2),
    "particle-dfo": EBM | dfo(512, 8) | DRAWN | joint(256, 2, trunk="mlp") | MIN_MAX,
    "particle-mse": explicit("mse", 256, 2) | STANDARDISED | HALF,
    "particle-mse-best": explicit("mse", 2048, 2) | STANDARDISED | HALF,
    "human-ebm": (
        EBM
        | langevin(512, 8, 100)
        | steps(0.5, 0.5, 0.5, 1.0)
        | HUMAN_CHAINS
        | AT_ALL
        | MIN_MAX
        | joint(512, 8, "spectral_norm")
        | config(history=1, feature_scale="sqrt_std")
        | training(learning_rate=5e-4)
    ),
    "human-mse": explicit("mse", 2048, 8)
    | STANDARDISED
    | config(history=1)
    | training(decay_steps=200),
    "human-mdn": (
        explicit("mdn", 128, 2, dropout=0.0)
        | mixture(2.5, 1.0)
        | STANDARDISED
        | config(history=1)
        | training(learning_rate=1e-4)
    ),
}

PUBLISHED: Final = {
    f"{folder}/{name}": COMMON | constants
    for folder, presets in (("paper", _PAPER), ("released", _RELEASED))
    for name, constants in presets.items()
}
"""Of every preset that was published, by its name."""
