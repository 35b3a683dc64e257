"""The losses of the published recipes: what their terms weigh (Wang, Li, Yao & Li, arXiv:2602.08556).

    denoising          0.9 magnitude + 0.3 (IP + GD + IAF) + 0.1 complex + 0.1 consistency + 0.2 time
    phase retrieval    200 WOP

Magnitude, complex and consistency are taken on spectra compressed by 0.3; the two of complex spectra are sums over real
and imaginary part, twice their mean square. The phase terms are those of the network's own phasor. What a discriminator
says is added where there is one, by `rephase.losses.adversarial` and `rephase.losses.feature_matching`.

The published weight of WOP, 2e4, belongs to a sum that is not normalised. Here WOP is at most π, and its weight was
chosen so that it leads and a multi-period discriminator of weight 1 (adversarial + 2 · feature matching) follows: with
200, its gradient at the network's phasor is 14 and 21 times as long as the discriminator's where phases are off by a
standard deviation of 3 and of 1 radian (`python benchmarks/phase_retrieval_weight.py`); 12 and 17 times with the
discriminator as published (`--channels 32 128 512 1024 1024 --steps 25`). Those discriminators have learned from a few
hundred batches at most; where phases are off by 0.3 they tell nothing yet, and one that has learned for long may pull
harder.

All is at the level at which the network works: for the published ones, scale the clean waveform by what the degraded
one was scaled by, to unit RMS.
"""

from collections.abc import Mapping
from types import MappingProxyType

DENOISING: Mapping[str, float] = MappingProxyType(
    {"magnitude": 0.9, "ip": 0.3, "gd": 0.3, "iaf": 0.3, "complex": 0.1, "consistency": 0.1, "time": 0.2}
)
PHASE_RETRIEVAL: Mapping[str, float] = MappingProxyType({"wop": 200.0})
