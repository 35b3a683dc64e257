"""What an experiment's pairs are made of: packed speech and noise, simulated rooms, or recorded pairs."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from rephase.data.corpus import PackedCorpus, pack, pack_pairs
from rephase.degradations.chain import Chain
from rephase.degradations.rooms import MICROPHONES, simulate_bank
from rephase.training.batches import PairMaker, ValidationBatches
from rephase.training.experiment import Data, Experiment, ExperimentError
from rephase.training.pairs import KINDS, Degrader, needs_noise
from rephase.training.recorded import RecordedPairs
from rephase.training.tasks import OWN, task_of

logger = logging.getLogger(__name__)


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
    if data.pairs is not None:
        return _recorded(experiment, Path(data.folder) / data.pairs, cache, device)
    chains, kinds = _chains(experiment), task_of(experiment).kinds
    if data.noise is None:
        _check_without_noise(chains, kinds)
    _check_there(data)
    corpora = {
        (name, split): _packed(experiment, manifest, split, cache / f"{name}-{split}.npy")
        for name, manifest in (("speech", data.speech), ("noise", data.noise))
        if manifest is not None
        for split in ("train", "valid")
    }
    there = set(corpora["speech", "train"].sources)
    if unknown := sorted(set(data.source_weights) - there):
        names = ", ".join(unknown), ", ".join(sorted(there))
        logger.warning("no speech is of %s: data.source_weights counts for nothing there; sources are %s", *names)
    heard = unheard = None
    if (bank := bank_of(experiment, cache)) is not None:
        rooms = simulate_bank(bank, rooms=data.rooms, sample_rate=rate)
        count = MICROPHONES * -(-data.rooms // 10)  # of a tenth of the rooms
        heard, unheard = rooms[:-count], rooms[-count:]

    def degrader(split: str, chain: Chain, responses: Tensor | None, where: str) -> Degrader:
        noise = corpora.get(("noise", split))
        return Degrader(corpora["speech", split], noise, responses, chain, data.source_weights, where)

    makers = {kind: degrader("valid", chains[kind], unheard, "cpu") for kind in kinds}
    return Sources(
        degrader("train", experiment.degradation, heard, device),
        ValidationBatches(makers, experiment.validation.batches),
        tuple(corpus for (_, split), corpus in corpora.items() if split == "train"),
    )


def bank_of(experiment: Experiment, cache: Path) -> Path | None:
    """Where the simulated rooms of an experiment lie once they are made; None if nothing is heard in a room.

    Args:
        experiment: what the run does.
        cache: folder for decoded audio and simulated rooms.
    """
    if experiment.data.pairs is not None:
        return None
    chains = _chains(experiment)
    reverberant = any(chains[kind].p_room for kind in (OWN, *task_of(experiment).kinds))
    return cache / f"rooms-{experiment.data.rooms}-direct.npy" if reverberant else None


def _chains(experiment: Experiment) -> dict[str, Chain]:
    """What happens to the speech of each kind of validation pairs."""
    return {OWN: replace(experiment.degradation, level_db=0.0), **KINDS}


def _check_without_noise(chains: Mapping[str, Chain], kinds: tuple[str, ...]) -> None:
    """Whether all pairs can be made without recorded noise; known before anything is decoded."""
    if needs_noise(chains[OWN]):
        raise ExperimentError(
            "data.noise must be a manifest where speech is mixed with recorded noise; got null. "
            "Try data.noise=noise.csv, or degradation.p_noise=0."
        )
    if noisy := [kind for kind in kinds if needs_noise(chains[kind])]:
        raise ExperimentError(
            f"data.noise must be a manifest for validation pairs of the kinds {', '.join(noisy)}; got null. "
            "Try validation.kinds=[own], or data.noise=noise.csv."
        )


def _check_there(data: Data) -> None:
    """Whether there are manifests of all names; known before anything is decoded."""
    for key, name in (("speech", data.speech), ("noise", data.noise)):
        if name is not None and "://" not in name and not (path := Path(data.folder) / name).exists():
            raise ExperimentError(
                f"can't read the manifest (no such file); {path}; name a folder that has it (data.folder), or another "
                f"manifest (data.{key})"
            )


def _packed(experiment: Experiment, manifest: str, split: str, target: Path) -> PackedCorpus:
    """One split of a manifest in the folder of the data, or of shards there or at a URL.

    An index of shards stands for the folder it is in, which holds that of the other split too.
    """
    data, rate = experiment.data, experiment.network_config().sample_rate
    if "://" not in manifest:
        path = Path(data.folder) / manifest
        path = path.parent if path.name in ("train.json", "valid.json") else path
        return pack(path, split, target, sample_rate=rate, most_bad=data.most_bad)
    from rephase.data.shard_packing import pack_shards  # needs webdataset, which a packed run does without

    folder = re.sub(r"/((train|valid)\.json)?$", "", manifest)
    return pack_shards(f"{folder}/{split}.json", split, target, sample_rate=rate, most_bad=data.most_bad)


def _recorded(experiment: Experiment, pairs: Path, cache: Path, device: str) -> Sources:
    data, rate = experiment.data, experiment.network_config().sample_rate
    if set(task_of(experiment).kinds) != {OWN}:
        raise ExperimentError(
            "validation.kinds must be own where pairs are recorded, as they are degraded already. "
            "Try validation.kinds=[own]."
        )
    train, valid = (
        pack_pairs(pairs, split, cache, sample_rate=rate, most_bad=data.most_bad) for split in ("train", "valid")
    )
    makers = {OWN: RecordedPairs(*valid)}
    return Sources(
        RecordedPairs(*train, experiment.degradation.level_db, device),
        ValidationBatches(makers, experiment.validation.batches),
        train,
    )
