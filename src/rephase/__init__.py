"""rephase: makes degraded speech clean.

    import rephase

    waveform = rephase.enhance(waveform, sample_rate)
    rephase.Enhancer.from_pretrained("renet-lite").enhance_file("talk.wav", "talk.enhanced.wav")

Names are loaded when they are first used, so that importing costs nothing.
"""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.6.0"

if TYPE_CHECKING:
    from rephase.enhancer import Enhancer, Report, enhance
    from rephase.errors import RephaseError
    from rephase.weights.registry import list_models

_HOMES = {
    "enhance": "rephase.enhancer",
    "Enhancer": "rephase.enhancer",
    "Report": "rephase.enhancer",
    "RephaseError": "rephase.errors",
    "list_models": "rephase.weights.registry",
}

__all__ = ["enhance", "Enhancer", "Report", "RephaseError", "list_models", "__version__"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
