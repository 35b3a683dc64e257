"""What an experiment's pairs are made of: packed speech and noise, simulated rooms, or recorded pairs."""

from dataclasses import dataclass, replace
from pathlib import Path

from rephase.data.corpus import PackedCorpus, pack
from rephase.degradations.rooms import simulate_bank
from rephase.training.batches import PairMaker, ValidationBatches
from rephase.training.experiment import Experiment
from rephase.training.pairs import TASKS, Degrader
from rephase.training.tasks import OWN, task_of


@dataclass(frozen=True)
class Sources:
    """Where a run's pairs come from.

    Attributes:
        training: makes the training pairs.
        validation: fixed pairs of the validation split.
        corpora: what is trained on, speech first.
    """

    training: PairMaker
    validation: ValidationBatches
    corpora: tuple[PackedCorpus, ...]


def open_sources(experiment: Experiment, cache: Path, *, device: str = "cpu") -> Sources:
    """Opens what the run hears; decoded audio and rooms are made where they are not there yet.

    Args:
        experiment: what the run does.
        cache: folder for decoded audio and simulated rooms.
        device: where pairs are made.

    Raises:
        RephaseError: If recordings are missing, or too many of them can't be read.
    """
    data, rate = experiment.data, experiment.network_config().sample_rate
    folder, kinds = Path(data.folder), task_of(experiment).kinds
    corpora = {
        f"{name}-{split}": pack(folder / manifest, split, cache / f"{name}-{split}.npy", sample_rate=rate)
        for name, manifest in (("speech", data.speech), ("noise", data.noise))
        for split in ("train", "valid")
    }
    rooms = simulate_bank(cache / f"rooms-{data.rooms}.npy", rooms=data.rooms, sample_rate=rate)
    unheard = 3 * -(-data.rooms // 10)  # a tenth of the rooms, three responses each
    chains = {OWN: replace(experiment.degradation, level_db=0.0), **TASKS}
    makers = {
        kind: Degrader(
            corpora["speech-valid"], corpora["noise-valid"], rooms[-unheard:], chains[kind], data.source_weights
        )
        for kind in kinds
    }
    training = Degrader(
        corpora["speech-train"],
        corpora["noise-train"],
        rooms[:-unheard],
        experiment.degradation,
        data.source_weights,
        device,
    )
    return Sources(
        training,
        ValidationBatches(makers, experiment.validation.batches),
        (corpora["speech-train"], corpora["noise-train"]),
    )
