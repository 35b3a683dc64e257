import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rephase.audio.overlap import ChunkStream

HOP, PAST, FUTURE = 16, 96, 40


def smoother(samples):
    """A filter that reaches exactly PAST samples back and FUTURE samples ahead, zeros beyond the ends."""
    taps = np.random.default_rng(7).standard_normal(PAST + 1 + FUTURE)
    return np.stack([np.convolve(row, taps)[FUTURE : FUTURE + row.size] for row in samples]).astype(np.float32)


def framed(samples):
    """A model with a grid: every frame of HOP samples, counted from the call's start, is turned around."""
    size = -(-samples.shape[1] // HOP) * HOP
    padded = np.pad(samples, ((0, 0), (0, size - samples.shape[1])))
    return padded.reshape(len(samples), -1, HOP)[..., ::-1].reshape(len(samples), -1)[:, : samples.shape[1]]


def chunked(samples, model=smoother, sizes=(10**9,), chunk=200, past=PAST, future=FUTURE, fade=64):
    calls = []

    def counted(piece):
        calls.append(piece.shape[1])
        return model(piece)

    stage = ChunkStream(counted, len(samples), hop=HOP, past=past, future=future, chunk=chunk, fade=fade)
    out, start, index = [], 0, 0
    while start < samples.shape[1]:
        size = sizes[index % len(sizes)]
        out.append(stage.push(samples[:, start : start + size]))
        start, index = start + size, index + 1
    return np.concatenate([*out, stage.flush()], axis=1), calls


def noise(length, channels=2):
    return np.random.default_rng(length).standard_normal((channels, length), dtype=np.float32)


@settings(max_examples=60)
@given(length=st.integers(1, 3000), chunk=st.integers(1, 900), fade=st.integers(0, 200))
def test_chunks_join_to_one_call_on_the_whole(length, chunk, fade):
    samples = noise(length)
    out, _ = chunked(samples, chunk=chunk, fade=fade)
    np.testing.assert_allclose(out, smoother(samples), atol=2e-5)


@given(length=st.integers(1, 1500), sizes=st.lists(st.integers(1, 700), min_size=1, max_size=4))
def test_blocks_of_any_size_give_the_same_samples(length, sizes):
    samples = noise(length)
    np.testing.assert_array_equal(chunked(samples, sizes=sizes)[0], chunked(samples)[0])


def test_calls_start_on_the_models_grid():
    samples = noise(2000 // HOP * HOP)
    np.testing.assert_array_equal(chunked(samples, model=framed)[0], framed(samples))


def test_too_little_context_is_heard_by_this_test():
    samples = noise(2000)
    assert np.abs(chunked(samples, past=PAST // 2)[0] - smoother(samples)).max() > 0.1


def test_calls_are_bounded_whatever_the_length():
    _, calls = chunked(noise(50_000, channels=1))
    longest = PAST + 208 + 64 + FUTURE
    assert max(calls) == longest
    assert len(calls) > 200


def test_a_short_recording_is_one_call():
    assert chunked(noise(300))[1] == [300]


@pytest.mark.parametrize("fade", [64, 160])
def test_models_that_are_not_local_join_without_a_step(fade):
    """A model that gives every call another gain: joins ramp from one to the next over the fade."""
    gains = iter(range(1, 1000))

    def moody(piece):
        return piece * np.float32(next(gains))

    out, _ = chunked(np.ones((1, 3000), np.float32), model=moody, fade=fade)
    assert np.abs(np.diff(out[0])).max() <= 1 / fade + 1e-6
