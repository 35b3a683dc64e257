"""Memory doesn't grow with the length: the whole process, with the model that ships."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from rephase.weights import find_model

RATE = 48000
PEAK = "[line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')][0]"  # kB
CODE = f"""
import sys
from rephase.enhancer import Enhancer
Enhancer.from_pretrained(threads=2).enhance_file(sys.argv[1], sys.argv[2])
print({PEAK})
"""


def peak_bytes(minute, minutes, folder):
    source, target = folder / f"{minutes}.wav", folder / f"{minutes}.enhanced.wav"
    with soundfile.SoundFile(source, "w", RATE, 2) as file:
        for _ in range(minutes):
            file.write(minute)
    done = subprocess.run([sys.executable, "-c", CODE, source, target], check=True, capture_output=True, text=True)
    assert soundfile.info(target).frames == minutes * 60 * RATE
    source.unlink(), target.unlink()
    return 1024 * int(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel's own account of peak memory is needed")
def test_twenty_minutes_of_stereo_take_the_memory_of_five(example_audio, tmp_path):
    if not find_model("renet-lite").has_weights:
        pytest.skip("the default model ships no weights yet")
    speech, rate = soundfile.read(example_audio / "dishes-0db.degraded.flac", dtype="float32")
    one = soxr.resample(np.resize(speech, 60 * rate), rate, RATE)
    minute = np.stack([one, np.roll(one, 1000)], axis=1)
    short, long = (peak_bytes(minute, minutes, tmp_path) for minutes in (5, 20))
    assert long < 500e6
    assert long < 1.05 * short
