"""Recorded pairs, such as VoiceBank+DEMAND: crops of the noisy and the clean recording at the same place."""

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from rephase.data.corpus import PackedCorpus
from rephase.degradations.draws import LEVEL_DB
from rephase.degradations.noise import active_power
from rephase.training.crops import Crops


class RecordedPairs:
    """Draws crops of pairs; each file as often as any other, and only its level is changed.

    Args:
        noisy: recordings.
        clean: the same speech, file by file of the same length.
        level_db: largest deviation of the noisy active level from −26 dBFS.
        device: where the audio is kept and cropped.
    """

    def __init__(self, noisy: PackedCorpus, clean: PackedCorpus, level_db: float = 0.0, device: str = "cpu") -> None:
        self.sample_rate, self.level_db = clean.sample_rate, level_db
        alike = np.ones(len(clean))
        self._noisy, self._clean = Crops(noisy, alike, device), Crops(clean, alike, device)

    def batch(
        self, seed: tuple[int, ...], items: int, seconds: float
    ) -> tuple[Float32[Tensor, "items time"], Float32[Tensor, "items time"]]:
        """Noisy and clean waveforms, the same for the same seed; a file that is too short starts again at its end.

        Args:
            seed: of everything drawn.
            items: how many pairs.
            seconds: length of each.
        """
        random = np.random.default_rng(seed)
        length = int(seconds * self.sample_rate)
        places = [self._clean.place(random) for _ in range(items)]
        noisy, clean = self._noisy.tiled(places, length), self._clean.tiled(places, length)
        level_db = LEVEL_DB + torch.from_numpy(random.uniform(-self.level_db, self.level_db, items)).float()
        gain = (10 ** (level_db.to(noisy.device) / 20) / active_power(noisy).sqrt()).unsqueeze(-1)
        return gain * noisy, gain * clean
