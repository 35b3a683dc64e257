"""Numbers that make no sense are refused with the name of the field; nothing heavy is imported for numbers."""

import subprocess
import sys

import pytest

from rephase.degradations.chain import Chain
from rephase.errors import RephaseError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"p_room": 1.5}, r"p_room must lie in 0 … 1; got 1.5. Try 0.4"),
        ({"p_codec": -0.1}, r"p_codec must lie in 0 … 1; got -0.1"),
        ({"snr_db": (5.0, -5.0)}, r"snr_db must be \(lowest, highest\); got \(5.0, -5.0\). Try \(-5.0, 5.0\)"),
        ({"snr_db": (float("nan"), 1.0)}, r"snr_db must hold finite numbers; got \(nan, 1.0\)"),
        ({"level_db": -1.0}, r"level_db must be 0 or more; got -1.0"),
        ({"band_hz": (10.0, 4000.0)}, r"band_hz must be at least 100.0; got \(10.0, 4000.0\)"),
        ({"rolloff_hz": (10.0, 4000.0)}, r"rolloff_hz must be at least 100.0; got \(10.0, 4000.0\)"),
        ({"rolloff_hz": (8000.0, 3000.0)}, r"rolloff_hz must be \(lowest, highest\); got \(8000.0, 3000.0\)"),
        ({"speed": (0.1, 1.1)}, r"speed must be at least 0.5; got"),
        ({"speed": (0.955, 0.957)}, r"speed must hold a whole percent, .*; got \(0.955, 0.957\). Try \(0.95, 0.96\)"),
        ({"talkers": (0, 3)}, r"talkers must be at least 1; got"),
        ({"talkers": (3, 99)}, r"talkers must be at most 32; got"),
        ({"codecs": ()}, r"codecs must name one or more of mp3, opus; got \(\)"),
        ({"resamplers": ()}, r"resamplers must name one or more of alias, brick, gentle; got \(\)"),
        ({"band_rates": (4,)}, r"band_rates must be sampling rates in Hz; got \(4,\). Try \(4000, 8000\)"),
        ({"p_coloured": 0.7, "p_babble": 0.7}, r"p_coloured and p_babble must be at most 1 together; got \(0.7, 0.7\)"),
    ],
)
def test_what_makes_no_sense_is_refused(changes, message):
    with pytest.raises((RephaseError, ValueError), match=message):
        Chain(**changes)


def test_what_was_added_is_off_by_default():
    added = ("p_coloured", "p_babble", "p_speed", "p_clip", "p_resampler", "p_codec", "p_phase")
    assert [getattr(Chain(), name) for name in added] == [0.0] * len(added)
    assert Chain().p_noise == 1.0
    assert Chain().band_rates == ()


def test_numbers_need_no_torch():
    program = "import sys, rephase.degradations.chain; print(sorted({'torch', 'numpy', 'scipy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.strip() == "[]"
