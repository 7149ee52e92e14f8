"""Two emulated cameras that look at a moving pattern, for whoever wants to see the driver at work without any."""

from __future__ import annotations

from .bus import SoftwareBus
from .emulator import EmulatedConfig, SoftwareCamera
from .models import MODELS
from .pictures import MovingPattern


def emulated() -> SoftwareBus:
    """A bus with one camera of each model; closing it unplugs them."""
    bus = SoftwareBus()
    for seed, (name, model) in enumerate(MODELS.items()):
        config = EmulatedConfig(serial=f"emulated-{name.lower()}", model=name, seed=seed)
        lens = model.colour_lens(config.width, config.height)
        SoftwareCamera(config, MovingPattern(lens), bus)  # the bus keeps it
    return bus
