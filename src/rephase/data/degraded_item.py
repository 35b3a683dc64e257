"""One recording degraded: whole, by a seed that its own name gives it, and what was done to it as a row of a table."""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32

from rephase.audio.formats import AudioFormat
from rephase.audio.writer import AudioWriter
from rephase.data.corpus import FULL_SCALE
from rephase.data.decoding import decoded
from rephase.data.materials import Folder, check_audible, crops, room_of
from rephase.degradations.chain import Chain
from rephase.degradations.degrading import degrade
from rephase.degradations.draws import Draws, draw
from rephase.degradations.resampler import KINDS
from rephase.degradations.rolloff import start_hz

LOUDEST = 0.999  # peak that a pair is turned down to, where one of both would go beyond full scale
FORMATS = {"flac": AudioFormat("FLAC", "PCM_16"), "wav": AudioFormat("WAV", "PCM_16")}


@dataclass(frozen=True)
class Setting:
    """What recordings are degraded with.

    Attributes:
        chain: what happens and how likely.
        seed: of all.
        source: the clean recordings.
        output: folder for `degraded` and `clean`.
        noise: recordings of noise; None: there are none.
        talkers: recordings of people, for babble; None: there are none.
        rooms: measured responses; None: rooms are simulated.
        file_format: `flac` or `wav`, 16 bits.
        sample_rate: Hz.
    """

    chain: Chain
    seed: int
    source: Path
    output: Path
    noise: Folder | None = None
    talkers: Folder | None = None
    rooms: Folder | None = None
    file_format: str = "flac"
    sample_rate: int = 16000


def seed_of(seed: int, name: str) -> int:
    """The seed of one recording, whatever else is in its folder: a hash of the seed of all and its name."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode("utf-8", "surrogateescape")).digest()[:7], "big")


def make_pair(setting: Setting, name: str) -> dict[str, str]:
    """Degrades one recording and writes the pair.

    Args:
        setting: what with.
        name: of the recording, below the folder of the clean ones.

    Returns:
        A row of the list of pairs: its files, and what was done to it; empty where that doesn't apply.

    Raises:
        RephaseError: If it, or what it is degraded with, can't be read, or is too short or silent; or the pair can't be
            written.
    """
    seed, rate = seed_of(setting.seed, name), setting.sample_rate
    speech = _speech(setting.source / name, rate)
    # Speed alone is drawn without the length, which follows from it.
    percents = draw(setting.chain, 1, 1, seed=seed, responses=1).percents
    length = len(speech) * 100 // percents[0] if percents else len(speech)
    draws = draw(setting.chain, 1, length, seed=seed, responses=1)
    row, parts = {"speed": f"{percents[0] / 100:g}" if percents else ""}, _Parts(setting, draws, seed, length)
    noises = parts.noise(name)
    row |= {"noise": noises.label, "snr_db": f"{float(draws.snr_db):.2f}" if noises.label else ""}
    response, room = parts.room()
    row |= room | _recording_facts(setting.chain, draws)
    degraded, clean = degrade(
        setting.chain,
        draws,
        speech=torch.from_numpy(speech)[None],
        noise=noises.first,
        second=noises.second,
        talkers=noises.talkers,
        responses=response,
        sample_rate=rate,
    )
    gain = min(1.0, LOUDEST / max(float(degraded.abs().max()), float(clean.abs().max())))
    target = Path(name).with_suffix(f".{setting.file_format}")
    row["degraded"], row["clean"] = (f"{side}/{target.as_posix()}" for side in ("degraded", "clean"))
    for side, waveform in (("degraded", degraded), ("clean", clean)):
        _write(setting, setting.output / row[side], gain * waveform.numpy())
    level = 10 * math.log10(float(clean.square().mean()) * gain**2 / float(np.square(speech, dtype=np.float64).mean()))
    return (
        {"name": target.with_suffix("").as_posix(), "seconds": f"{length / rate:.3f}"}
        | row
        | {"gain_db": f"{level:.2f}"}
    )


@dataclass(frozen=True)
class _Noises:
    label: str
    first: torch.Tensor
    second: torch.Tensor | None = None
    talkers: torch.Tensor | None = None


class _Parts:
    """Noise and room of one recording."""

    def __init__(self, setting: Setting, draws: Draws, seed: int, length: int) -> None:
        self.setting, self.draws, self.seed, self.length = setting, draws, seed, length

    def _crops(
        self, folder: Folder, purpose: str, count: int, without: tuple[Path, ...] = ()
    ) -> tuple[list[str], torch.Tensor]:
        taken = list(
            crops(folder, self.seed, purpose, count=count, length=self.length, sample_rate=self.setting.sample_rate,
                  without=without)
        )  # fmt: skip
        return [name for name, _ in taken], torch.from_numpy(np.stack([samples for _, samples in taken]))

    def noise(self, name: str) -> _Noises:
        """Recorded noise, or what the draws make in its place."""
        draws, setting, silence = self.draws, self.setting, torch.zeros(1, self.length)
        if draws.noisy is not None and not bool(draws.noisy):
            return _Noises("", silence)
        labels, first, second, talkers = [], silence, None, None
        if draws.slope is not None:
            labels = [f"coloured {float(draws.slope):+.2f}"]
        elif draws.talkers_db is not None and setting.talkers is not None:
            count = int(draws.talkers_db.isfinite().sum())
            _, heard = self._crops(setting.talkers, "talkers", draws.talkers_db.shape[1], (setting.source / name,))
            labels, talkers = [f"babble of {count}"], heard[None]
        if setting.noise is not None:
            names, heard = self._crops(setting.noise, "noise", 2 if bool(draws.second) else 1)
            first = heard[:1]
            labels = labels or names[:1]
            if bool(draws.second):
                second, labels = heard[1:], [*labels, names[1]]
        return _Noises(" + ".join(labels), first, second, talkers)

    def room(self) -> tuple[torch.Tensor | None, dict[str, str]]:
        """The response of the recording's room, and what is told of it."""
        if not bool(self.draws.in_room):
            return None, {"room": "", "t60_s": ""}
        name, t60, response = room_of(self.setting.rooms, self.seed, sample_rate=self.setting.sample_rate)
        return torch.from_numpy(response)[None], {"room": name, "t60_s": "" if math.isnan(t60) else f"{t60:.3f}"}


def _speech(path: Path, sample_rate: int) -> Float32[np.ndarray, " time"]:
    samples = decoded(path, sample_rate)
    check_audible(samples, path)
    return samples.astype(np.float32) / np.float32(FULL_SCALE)


def _recording_facts(chain: Chain, draws: Draws) -> dict[str, str]:
    """What was done to speech and noise together."""
    facts = dict.fromkeys(("band_hz", "resampler", "clip_db", "codec", "kbps", "phase"), "")
    if bool(draws.limited):
        facts["band_hz"] = f"{float(start_hz(draws.limit, pass_hz=chain.band_hz)):.0f}"
    if draws.resampled is not None and bool(draws.resampled) and draws.cutoff_hz is not None:
        facts["band_hz"] = f"{float(draws.cutoff_hz):.0f}"
        facts["resampler"] = KINDS[int(draws.resampler)] if draws.resampler is not None else ""
    if draws.clip_db is not None and float(draws.clip_db) > 0:
        facts["clip_db"] = f"{float(draws.clip_db):.2f}"
    if draws.codecs and draws.codecs[0][0]:
        facts["codec"], facts["kbps"] = draws.codecs[0][0], f"{draws.codecs[0][1]:g}"
    if draws.phaseless is not None and bool(draws.phaseless):
        facts["phase"] = "zero"
    return facts


def _write(setting: Setting, target: Path, waveform: np.ndarray) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with AudioWriter(target, setting.sample_rate, 1, FORMATS[setting.file_format]) as writer:
        writer.write(waveform)
