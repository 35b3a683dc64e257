import dataclasses

import numpy as np
import pytest

from rephase.errors import ModelError
from rephase.runtimes.onnx import OnnxRuntime
from rephase.runtimes.stream import ModelStream


def speech(seconds=6.0, channels=2):
    samples = np.random.default_rng(0).standard_normal((channels, int(seconds * 16000)))
    loudness = 0.02 + 0.2 * (np.arange(samples.shape[1]) / 16000 % 1.5 < 1)
    return (samples * loudness).astype(np.float32)


def streamed(runtime, folder, samples, size):
    stream = ModelStream(runtime, folder, len(samples))
    blocks = [stream.push(samples[:, start : start + size]) for start in range(0, samples.shape[1], size)]
    blocks.append(stream.finish(samples[:, :0]))
    return tuple(
        np.concatenate([getattr(block, part) for block in blocks], axis=1) for part in ("before", "after", "gain")
    )


@pytest.mark.parametrize("size", [256, 5000, 96000])
@pytest.mark.parametrize("chunk_samples", [1000, 20000])
def test_chunks_of_a_graph_join_to_one_call(model, size, chunk_samples):
    folder = model("filter", chunk_samples=chunk_samples)
    runtime = OnnxRuntime(folder, threads=1)
    before, after, gain = streamed(runtime, folder, speech(), size)
    np.testing.assert_allclose(before, speech() * gain, rtol=1e-6)
    np.testing.assert_allclose(after, runtime(before), atol=1e-5)


def test_the_model_hears_its_own_level(model):
    before, _, _ = streamed(OnnxRuntime(model("gain")), model("gain"), 0.01 * speech(), 4000)
    assert 10 * np.log10(np.mean(before**2)) == pytest.approx(-26, abs=3)


@pytest.mark.parametrize(("place", "most"), [("cpu", 1), ("cuda", 4)])
def test_many_channels_go_through_in_groups(model, place, most):
    folder, sizes = model("gain"), []
    runtime = OnnxRuntime(folder)

    class Counting:
        name, device = runtime.name, place

        def __call__(self, waveform):
            sizes.append(len(waveform))
            return runtime(waveform)

    before, after, _ = streamed(Counting(), folder, speech(1.0, channels=10), 16000)
    np.testing.assert_array_equal(after, 0.5 * before)
    assert max(sizes) == most
    assert sum(sizes) % 10 == 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda waveform: waveform[:, 1:], "must keep it"),
        (lambda waveform: waveform * np.float32(np.nan), "NaN or infinity"),
    ],
)
def test_a_model_that_breaks_the_contract_is_named(model, answer, reason):
    class Broken:
        name, device = "broken", "cpu"

        def __call__(self, waveform):
            return answer(waveform)

    with pytest.raises(ModelError, match=reason):
        streamed(Broken(), model("gain"), speech(1.0), 16000)


@pytest.mark.parametrize(("latency_ms", "fade"), [(10_000.0, 8000), (0.0, 1024)])
def test_calls_of_other_levels_slide_into_each_other(model, latency_ms, fade):
    """A model that waits for a call's end gives each its own level; one slides into the next over half a second."""
    gains = iter(range(1, 100))

    class Moody:
        name, device = "moody", "cpu"

        def __call__(self, waveform):
            return waveform * np.float32(next(gains))

    folder = dataclasses.replace(model("gain", chunk_samples=20000), latency_ms=latency_ms)
    assert folder.is_local == (latency_ms == 0)
    before, after, _ = streamed(Moody(), folder, 0.1 + speech(4.0, channels=1) ** 2, 5000)
    assert np.abs(np.diff(after / before)).max() == pytest.approx(1 / fade, rel=0.05)
