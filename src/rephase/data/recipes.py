"""What is known of public corpora: where they are, their licences, their files, and which speakers train.

A recipe is a table. Counts stand here only where they are published; hours are those of the publication, and a copy
may be 8 % off. MD5 sums are those of the archives as their hosts publish them. VoiceBank+DEMAND and VCTK share their
speakers: the recipes hold out the same ones, so that a network that trains on both meets no test speaker of either.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from rephase.audio.formats import CONTAINERS
from rephase.audio.media.containers import MEDIA_SUFFIXES

Kind = Literal["speech", "noise", "degraded"]
AUDIO = "|".join(sorted(re.escape(suffix) for suffix in CONTAINERS.keys() | MEDIA_SUFFIXES))  # of folders
OWN_DISK = "your own disk"  # where recordings of one's own are


@dataclass(frozen=True)
class Part:
    """A folder of a corpus.

    Attributes:
        folder: below the corpus, or below one folder of it, which archives often bring along.
        kind: what is in it; `degraded` belongs to the `speech` of the same name and split.
        pattern: regular expression of the paths in it; a group `speaker` tells who speaks, a group `id` what is paired.
        split: of all its files; None: by speaker.
        files: how many there are, if that is published.
        hours: how long they are together, if that is published.
        sample_rate: Hz, if it is one.
        archive: what it comes in.
        md5: of the archive, if that is published.
        label: a condition that pairs from here share, for `pairs.csv`.
        needed: whether the corpus is nothing without it.
    """

    folder: str
    kind: Kind
    pattern: str
    split: str | None = None
    files: int | None = None
    hours: float | None = None
    sample_rate: int | None = None
    archive: str = ""
    md5: str = ""
    label: str = ""
    needed: bool = False


@dataclass(frozen=True)
class Recipe:
    """A corpus.

    Attributes:
        name: of the corpus, and its source in manifests.
        title: as its authors call it.
        url: where to get it.
        licence: as its authors state it.
        parts: its folders; at least one must be there.
        speakers: how many folders or names of speakers its undivided parts hold, if that is published.
        valid: speakers who choose the checkpoint.
        test: speakers who are for reporting.
        dropped: speakers who are left out, and why.
        by_share: whether speakers whom nothing names are split by shares; else they train.
        logs: text files that say the noise and the SNR in dB of pairs, a line each: id, noise, SNR.
    """

    name: str
    title: str
    url: str
    licence: str
    parts: tuple[Part, ...]
    speakers: int | None = None
    valid: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    dropped: Mapping[str, str] = field(default_factory=dict)
    by_share: bool = False
    logs: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """Where to get it and on which terms, for messages."""
        return f"{self.title} is at {self.url} ({self.licence})"

    @property
    def advice(self) -> str:
        """What to do where it is not found, for messages."""
        return "name the folder of your recordings" if self.url == OWN_DISK else f"{self.where}; unpack it there"


# ---------------------------------------------------------------- VoiceBank+DEMAND
# Valentini-Botinhao (2017). Counts as in the literature since SEGAN (arXiv:1703.09452); MD5 as the host lists them.
# p226 (male, Surrey) is the first speaker that others hold out too, p228 (female, Southern England) stands beside him.
def _bank(folder: str, kind: Kind, split: str | None, files: int, md5: str) -> Part:
    pattern = r"(?P<id>(?P<speaker>p\d+)_\d+)\.wav"
    return Part(folder, kind, pattern, split, files, None, 48000, f"{folder}.zip", md5, needed=True)


VOICEBANK_DEMAND = Recipe(
    name="voicebank-demand",
    title="VoiceBank+DEMAND (28 speakers)",
    url="https://doi.org/10.7488/ds/2117",
    licence="CC BY 4.0",
    parts=(
        _bank("clean_trainset_28spk_wav", "speech", None, 11572, "d2d5a45ec32f8fcbf201bde0447e20ba"),
        _bank("noisy_trainset_28spk_wav", "degraded", None, 11572, "1fca9e8bafb8cd069f6653c6d92f9e9c"),
        _bank("clean_testset_wav", "speech", "test", 824, "34eb1c0ba7ef667e9b966866c542fc16"),
        _bank("noisy_testset_wav", "degraded", "test", 824, "fb1b86caa31e8ba5b506c0c64da9aab5"),
    ),
    speakers=28,
    valid=("p226", "p228"),
    logs=("log_trainset_28spk.txt", "log_testset.txt"),
)


# ---------------------------------------------------------------- LibriSpeech
# Panayotov et al. (2015), hours of table 1; files as the literature counts them; MD5 of openslr.org/resources/12.
def _libri(subset: str, split: str, files: int, hours: float, md5: str) -> Part:
    pattern = r"(?P<speaker>\d+)/\d+/\d+-\d+-\d+\.flac"
    return Part(subset, "speech", pattern, split, files, hours, 16000, f"{subset}.tar.gz", md5)


LIBRISPEECH = Recipe(
    name="librispeech",
    title="LibriSpeech",
    url="https://www.openslr.org/12",
    licence="CC BY 4.0",
    parts=(
        _libri("train-clean-100", "train", 28539, 100.6, "2a93770f6d5c6c964bc36631d331a522"),
        _libri("train-clean-360", "train", 104014, 363.6, "c0e676e450a7ff2f54aeade5171606fa"),
        _libri("train-other-500", "train", 148688, 496.7, "d1a0fd59409feb2c614ce4d30c387708"),
        _libri("dev-clean", "valid", 2703, 5.4, "42e2234ba48799c1f50f24a7926300a1"),
        _libri("dev-other", "valid", 2864, 5.3, "c8d0bcc9cca99d4f8b62fcc847357931"),
        _libri("test-clean", "test", 2620, 5.4, "32fa31d27d2e1cad72775fee3f4849a9"),
        _libri("test-other", "test", 2939, 5.1, "fb5a50374b501bb3bac4815ee91d3135"),
    ),
)


# ---------------------------------------------------------------- VCTK
# Yamagishi et al. (2019), version 0.92. Test speakers are the last eight, as in the literature on bandwidth extension.
VCTK = Recipe(
    name="vctk",
    title="CSTR VCTK Corpus 0.92",
    url="https://doi.org/10.7488/ds/2645",
    licence="CC BY 4.0",
    parts=(
        Part("wav48_silence_trimmed", "speech", r"(?P<speaker>[ps]\d+)/(?P=speaker)_\d+_mic1\.flac", sample_rate=48000,
             archive="VCTK-Corpus-0.92.zip", md5="8a6ba2946b36fcbef0212cad601f4bfa", needed=True),
    ),
    speakers=110,
    valid=VOICEBANK_DEMAND.valid,
    test=("p360", "p361", "p362", "p363", "p364", "p374", "p376", "s5"),
    dropped={
        "p232": "speaks in the test set of VoiceBank+DEMAND",
        "p257": "speaks in the test set of VoiceBank+DEMAND",
        "p280": "its authors tell of technical issues",
        "p315": "its authors tell of technical issues",
    },
)  # fmt: skip


# ---------------------------------------------------------------- DNS challenge
# Reddy et al. (2020, 2021), Dubey et al. (2022): folders of several editions; the synthetic test set is of the first.
# Readers of LibriVox are named by their files, and are split as speakers; singing (VocalSet) is left out.
_READER = r"(?:.*reader_(?P<speaker>\d+)_)?.*\.wav"


def _synthetic(reverb: str, folder: str, kind: Kind) -> Part:
    pattern = r".*(?P<id>fileid_\d+)\.wav"
    return Part(f"datasets/test_set/synthetic/{reverb}/{folder}", kind, pattern, "test", 150, None, 16000, label=reverb)


DNS = Recipe(
    name="dns",
    title="Deep Noise Suppression Challenge",
    url="https://github.com/microsoft/DNS-Challenge",
    licence="by source: LibriVox public domain, Audioset CC BY 4.0, Freesound CC0, DEMAND CC BY-SA 3.0; others there",
    parts=(
        Part("datasets/clean", "speech", _READER),
        *(
            Part(f"{folder}/{language}_speech", "speech", _READER)
            for folder in ("datasets", "datasets_fullband/clean_fullband")
            for language in ("read", "french", "german", "italian", "russian", "spanish", "emotional")
        ),
        Part("datasets/noise", "noise", r".*\.wav"),
        Part("datasets_fullband/noise_fullband", "noise", r".*\.wav"),
        _synthetic("no_reverb", "clean", "speech"),
        _synthetic("no_reverb", "noisy", "degraded"),
        _synthetic("with_reverb", "clean", "speech"),
        _synthetic("with_reverb", "noisy", "degraded"),
    ),
    by_share=True,
)

RECIPES = {recipe.name: recipe for recipe in (VOICEBANK_DEMAND, LIBRISPEECH, VCTK, DNS)}


def folder_recipe(name: str, kind: Kind) -> Recipe:
    """A recipe for recordings of one's own: each folder in the folder is a speaker, or a kind of noise.

    Args:
        name: what manifests call the source.
        kind: `speech` or `noise`.

    Returns:
        Its recipe.

    Raises:
        ValueError: If the name is none for a folder.
    """
    if not re.fullmatch(r"[\w][\w .+-]*", name):
        raise ValueError(f"name must be letters, digits and . + - _ or spaces; got {name!r}. Choose another --name")
    part = Part(".", kind, rf"(?i:(?:(?P<speaker>[^/]+)/)?.*(?:{AUDIO}))", needed=True)
    return Recipe(name, name, OWN_DISK, "not stated", (part,), by_share=True)
