"""What is in a shard: recordings as FLAC, each with a JSON file of what is known of it."""

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import fsspec
import numpy as np
import soundfile
from jaxtyping import Int16
from webdataset.tariterators import group_by_keys, tar_file_expander

from rephase.data.errors import CorpusError
from rephase.data.shard_index import reason_of


@dataclass(frozen=True)
class Recording:
    """A recording out of a shard.

    Attributes:
        samples: full scale ±32768.
        sample_rate: Hz.
        source: the corpus.
        speaker: who speaks, or empty.
        path: in the manifest it comes from.
    """

    samples: Int16[np.ndarray, " time"]
    sample_rate: int
    source: str
    speaker: str
    path: str


def shard_recordings(url: str, recordings: int | None = None) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Reads a shard from start to end.

    Args:
        url: of a tar file, or its path.
        recordings: how many must be in it; a file that was cut off between two of them has no other mark.

    Yields:
        What is known of each recording, and its FLAC.

    Raises:
        CorpusError: If it can't be read to its end.
    """
    count = 0
    try:
        with fsspec.open(url, "rb") as stream:
            for sample in group_by_keys(tar_file_expander([{"url": url, "stream": stream}])):
                count += 1
                yield json.loads(sample["json"]), sample["flac"]
    except (OSError, ImportError, tarfile.TarError, EOFError) as error:
        raise CorpusError(f"can't read a shard ({reason_of(error)}); {url}; fetch or write it again") from error
    except (ValueError, KeyError) as error:
        raise CorpusError(
            f"recording {count} of a shard lacks its .flac or .json ({reason_of(error)}); {url}; write it again"
        ) from error
    if recordings is not None and count != recordings:
        raise CorpusError(f"a shard must hold {recordings} recordings, got {count}; {url}; fetch or write it again")


def decoded_recording(facts: dict[str, Any], flac: bytes) -> Recording:
    """Decodes a recording of a shard.

    Args:
        facts: its JSON.
        flac: its FLAC.

    Returns:
        The recording.

    Raises:
        CorpusError: If it is damaged.
    """
    try:
        samples, rate = soundfile.read(io.BytesIO(flac), dtype="int16", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise CorpusError(f"can't decode it ({error}); {facts.get('path')}; write the shard again") from error
    if samples.shape[1] != 1 or not len(samples):
        raise CorpusError(
            f"it must be mono and not empty, got {samples.shape[::-1]}; {facts.get('path')}; write the shard again"
        )
    told = facts.get("samples", len(samples))
    if told != len(samples):
        raise CorpusError(f"it has {len(samples)} samples of {told}; {facts.get('path')}; write the shard again")
    return Recording(
        samples[:, 0], rate, str(facts.get("source", "")), str(facts.get("speaker", "")), str(facts.get("path", ""))
    )
