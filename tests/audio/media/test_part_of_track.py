"""A part of a film is told on the film's clock, also where a track begins later than its picture."""

import numpy as np
import pytest

from rephase.audio.part import Part

from .conftest import Sound, film, sounds_of


@pytest.fixture
def late(tmp_path):
    """A film whose sound begins 2 s after its picture and lasts 3 s."""
    return film(tmp_path / "late.mkv", Sound("flac", 48000, start=2.0, sample_format="s16"))


@pytest.fixture
def enhancer():
    from rephase.enhancer import Enhancer

    return Enhancer.from_pretrained("renet-lite")


def test_a_part_before_a_late_track_touches_nothing(late, enhancer, tmp_path):
    enhancer.enhance_file(late, tmp_path / "out.mkv", part=Part(0.0, 1.0))
    ((_, _, before),) = sounds_of(late)
    ((_, _, after),) = sounds_of(tmp_path / "out.mkv")
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("name", ["out.mkv", "out.wav"])
def test_a_part_of_a_late_track_is_found_on_the_clock_of_the_film(late, enhancer, tmp_path, name):
    enhancer.enhance_file(late, tmp_path / name, part=Part(4.0))
    ((_, start, before),) = sounds_of(late)
    ((_, own, after),) = sounds_of(tmp_path / name)
    silence = after[:, : after.shape[1] - before.shape[1]]
    assert own + silence.shape[1] / 48000 == pytest.approx(start)
    changed = np.flatnonzero((after[:, silence.shape[1] :] != before).any(axis=0)) / 48000 + start
    assert 4.0 <= changed.min() < 4.02


def test_a_start_beyond_the_end_of_a_late_track_is_refused(late, enhancer, tmp_path):
    for name in ("out.mkv", "out.wav"):
        with pytest.raises(ValueError, match="the part begins at 100 s, but the recording ends at"):
            enhancer.enhance_file(late, tmp_path / name, part=Part(100.0))
        assert not (tmp_path / name).exists()


def test_a_late_track_is_as_long_as_it_is(late, untouched, tmp_path):
    assert untouched(late, tmp_path / "out.mkv").notices == []
