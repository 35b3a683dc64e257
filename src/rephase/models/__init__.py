"""The networks: configurations without torch, and modules in files of their own.

    from rephase.models import PRESETS, build

    network = build(PRESETS["renet-small"]).eval()          # random weights
    enhanced = network(waveform)                            # [batch, time] at 16 kHz

Names are loaded when they are first used, so that a configuration needs no torch.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rephase.models.architectures import build
    from rephase.models.presets import PRESETS
    from rephase.models.renet import RENet
    from rephase.models.renet_config import RENetConfig
    from rephase.models.renet_lite import RENetLite
    from rephase.models.renet_lite_config import RENetLiteConfig

_HOMES = {
    "PRESETS": "rephase.models.presets",
    "RENet": "rephase.models.renet",
    "RENetConfig": "rephase.models.renet_config",
    "RENetLite": "rephase.models.renet_lite",
    "RENetLiteConfig": "rephase.models.renet_lite_config",
    "build": "rephase.models.architectures",
}

__all__ = ["PRESETS", "RENet", "RENetConfig", "RENetLite", "RENetLiteConfig", "build"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
