"""What happens to files: half a download, a bad disk, two files in one, a header that lies."""

import random
import struct

HEADER = 128  # bytes in which headers keep their fields
EXTREMES = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def truncated(content: bytes, rng: random.Random) -> bytes:
    """Its beginning; as often within the header as after it."""
    if rng.random() < 0.3:
        return content[: rng.randint(1, min(HEADER, len(content) - 1))]
    return content[: rng.randint(1, len(content) - 1)]


def bits_flipped(content: bytes, rng: random.Random) -> bytes:
    """One to some hundred bits are others, anywhere."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 4, 30, 300))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def spliced(content: bytes, rng: random.Random) -> bytes:
    """A piece is missing, is there twice, is zero, or is noise, or something follows the end."""
    first, last = sorted(rng.sample(range(len(content) + 1), 2))
    piece = content[first:last]
    how = rng.randrange(5)
    if how == 0:
        return content[:first] + content[last:] or content[:1]
    if how == 1:
        return content[:last] + piece + content[last:]
    if how == 2:
        return content[:first] + bytes(len(piece)) + content[last:]
    if how == 3:
        return content[:first] + rng.randbytes(len(piece)) + content[last:]
    return content + content[first:]


def header_randomised(content: bytes, rng: random.Random) -> bytes:
    """One to four fields of the header have other values, extreme or random; the magic word stays."""
    changed = bytearray(content)
    end = min(HEADER, len(changed))
    for _ in range(rng.randint(1, 4)):
        size = rng.choice((1, 2, 4, 8))
        start = rng.randrange(4, max(5, end - size))
        value = rng.choice(EXTREMES) if rng.random() < 0.6 else rng.getrandbits(32)
        field = struct.pack(rng.choice("<>") + "Q", value)
        changed[start : start + size] = field[:size] if rng.random() < 0.5 else field[8 - size :]
    return bytes(changed[: max(len(content), 1)])


DAMAGES = {
    "truncated": truncated,
    "bits flipped": bits_flipped,
    "spliced": spliced,
    "header randomised": header_randomised,
}
