"""Measures where sound lies beside its picture after a run, for each container; writes the table of docs/formats.md.

    python benchmarks/sync.py

Each file is made anew with real speech, goes through at strength 0, and is read again by ffmpeg's libraries. Its sound
is compared with the source's by cross-correlation, on the clock that its pictures are on.
"""

import importlib.util
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from rephase.enhancer import Enhancer

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "formats.md"
BEGIN, END = "<!-- made by benchmarks/sync.py -->\n", "<!-- end -->\n"
STARTS = (0.0, 0.123, 0.5)  # s, of the sound after the picture
CASES = [  # container, encoder, rate, picture, one tick of the container's clock in ms
    (".mp4", "aac", 44100, "libx264", 1000 / 44100), (".mov", "pcm_s16le", 44100, "mpeg4", 1000 / 44100),
    (".mp4", "alac", 44100, "mpeg4", 1000 / 44100), (".mp4", "ac3", 48000, "mpeg4", 1000 / 48000),
    (".3gp", "libopencore_amrnb", 8000, "mpeg4", 1000 / 8000), (".mkv", "libopus", 48000, "libx264", 1.0),
    (".mkv", "aac", 44100, "mpeg4", 1.0), (".mkv", "flac", 44100, "mpeg4", 1.0),
    (".webm", "libopus", 48000, "libvpx", 1.0), (".wmv", "wmav2", 44100, "wmv2", 1.0),
    (".flv", "libmp3lame", 44100, "flv", 1.0), (".ts", "mp2", 48000, "mpeg2video", 1 / 90),
    (".mpg", "mp2", 48000, "mpeg2video", 1 / 90), (".avi", "libmp3lame", 44100, "mpeg4", 1000 / 44100),
]  # fmt: skip


def main() -> None:
    """Measures all cases and writes the table."""
    files = _load(ROOT / "tests" / "audio" / "media" / "conftest.py")
    enhancer = Enhancer.from_pretrained()
    lines = [
        "| container | sound | sound begins (s) | off by (ms), worst | a tick (ms) | samples | pictures |",
        "|---|---|---|---:|---:|---|---|",
    ]
    for suffix, encoder, rate, video, tick in CASES:
        worst, exact, copied = 0.0, True, True
        starts = (0.0,) if suffix == ".avi" else STARTS  # a late start can't be stored in an AVI
        for start in starts:
            with tempfile.TemporaryDirectory() as folder:
                sound = files.Sound(encoder, rate, start=start, bit_rate=64_000 if encoder == "wmav2" else 0)
                source = files.film(Path(folder) / f"in{suffix}", sound, video=video)
                target = Path(folder) / f"out{suffix}"
                enhancer.enhance_file(source, target, strength=0.0)
                ((_, pictures), *_), ((_, after), *_) = files.copied(source), files.copied(target)
                moved = float(after[0][0] - pictures[0][0])
                copied &= [packet[2] for packet in after] == [packet[2] for packet in pictures]
                (one,), (other,) = files.sounds_of(source), files.sounds_of(target)
                worst = max(worst, abs(files.offset_seconds(one, other) - moved) * 1000)
                exact &= one[2].shape == other[2].shape and bool((one[2] == other[2]).all())
        codec = one[0].media.codec
        lines.append(
            f"| {suffix[1:]} | {codec} | {', '.join(f'{start:g}' for start in starts)} | {worst:.3f} | {tick:.3f} | "
            f"{'bit-exact' if exact else 'lossy'} | {'identical' if copied else 'DIFFER'} |"
        )
        print(lines[-1])
    _write("\n".join(lines) + "\n")


def _write(table: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    PAGE.write_text(before + BEGIN + table + END + rest.split(END)[1], encoding="utf-8")


def _load(path: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location("files", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["files"] = module
    specification.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
