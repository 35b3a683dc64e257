"""Title, artist and the like: from a recording into its result, and what made the result.

Tags go by libsndfile's ten names. `software` says what wrote a file, so a result gets ours there. MP3 has a module of
its own, `rephase.audio.id3`.
"""

from collections.abc import Mapping

import soundfile

NAMES = (
    "title", "artist", "album", "date", "genre", "comment", "copyright", "tracknumber", "license", "software",
)  # fmt: skip
MADE_BY = "rephase "  # how our own mark begins
BETWEEN = " | "


def read_tags(sound: soundfile.SoundFile) -> dict[str, str]:
    """The tags of an opened recording.

    Args:
        sound: opened for reading.

    Returns:
        Those that are there, by name.
    """
    return {name: value for name in NAMES if (value := _read(sound, name))}


def _read(sound: soundfile.SoundFile, name: str) -> str:
    try:
        return str(getattr(sound, name) or "")
    except UnicodeDecodeError:  # tags in the code page of some old program: no reason to lose the recording
        return ""


def write_tags(sound: soundfile.SoundFile, tags: Mapping[str, str]) -> None:
    """Writes tags, as far as the container has a place for them.

    Args:
        sound: opened for writing; no sample may have been written.
        tags: by name.
    """
    for name, value in tags.items():
        if name not in NAMES:
            continue
        try:
            setattr(sound, name, value.replace("\0", ""))
        except (soundfile.SoundFileError, UnicodeEncodeError):  # W64 and AU hold none
            continue


def with_mark(comment: str, made_by: str) -> str:
    """A comment with our mark at its end, in place of one that an earlier run has left.

    Args:
        comment: may be empty.
        made_by: the mark, such as `rephase 0.2.0 renet-lite`.

    Returns:
        Both.

    Example:
        >>> with_mark("Recorded at home", "rephase 0.2.0 renet-lite")
        'Recorded at home | rephase 0.2.0 renet-lite'
        >>> with_mark("rephase 0.1.0 renet-lite", "rephase 0.2.0 renet-lite")
        'rephase 0.2.0 renet-lite'
    """
    parts = [part for part in comment.split(BETWEEN) if part and not part.startswith(MADE_BY)]
    return BETWEEN.join([*parts, made_by])
