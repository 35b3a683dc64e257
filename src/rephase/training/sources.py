"""What an experiment's pairs are made of: packed speech and noise, simulated rooms, or recorded pairs."""

from dataclasses import dataclass
from pathlib import Path

from rephase.data.corpus import PackedCorpus, pack
from rephase.degradations.rooms import simulate_bank
from rephase.training.experiment import Experiment
from rephase.training.pairs import Degrader, ValidationBatches
from rephase.training.recorded import Recorded, pack_pairs
from rephase.training.tasks import task_of


@dataclass(frozen=True)
class Sources:
    """Where a run's pairs come from.

    Attributes:
        training: makes the training pairs.
        validation: fixed pairs of the validation split.
        corpora: what is trained on, speech first.
    """

    training: Degrader | Recorded
    validation: ValidationBatches
    corpora: tuple[PackedCorpus, ...]


def open_sources(experiment: Experiment, cache: Path, *, device: str = "cpu") -> Sources:
    """Opens what the run hears; what it needs of decoded audio and rooms is made where it is not there yet.

    Args:
        experiment: what the run does.
        cache: folder for decoded audio and simulated rooms.
        device: where pairs are made.

    Raises:
        RephaseError: If recordings are missing, or too many of them can't be read.
    """
    data, rate = experiment.data, experiment.network_config().sample_rate
    folder, kinds = Path(data.folder), task_of(experiment).kinds
    if data.pairs is not None:
        train, valid = (
            pack_pairs(folder / data.pairs, split, cache, sample_rate=rate, most_bad=data.most_bad)
            for split in ("train", "valid")
        )
        return Sources(
            Recorded(*train, device=device), ValidationBatches.recorded(Recorded(*valid), experiment), train
        )
    packed = {
        (name, split): pack(
            folder / manifest, split, cache / f"{name}-{split}.npy", sample_rate=rate, most_bad=data.most_bad
        )
        for name, manifest in (("speech", data.speech), ("noise", data.noise))
        for split in ("train", "valid")
        if manifest is not None
    }
