"""Enhance samples that you have in memory, and hear how much is mixed in: python examples/enhance_array.py."""

from pathlib import Path

import soundfile

import rephase

waveform, sample_rate = soundfile.read(
    Path(__file__).parent / "audio" / "dishes-0db.degraded.flac", dtype="float32"
)  # [time]; several channels are [channels, time]: soundfile.read(...).T

enhanced = rephase.enhance(waveform, sample_rate)
half = rephase.enhance(waveform, sample_rate, strength=0.5)

for name, samples in {"degraded": waveform, "half": half, "enhanced": enhanced}.items():
    print(f"{name:>10}: {len(samples)} samples, quietest 50 ms {abs(samples).reshape(-1, 800).max(axis=1).min():.4f}")
