"""What `make demo` runs: enhances a reading in kitchen noise and draws it before, after, and as it was without noise.

The picture of the README is this one: cp examples/output/spectrogram.png docs/images/
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no window, so that it runs on a machine without a screen

import soundfile
from matplotlib import pyplot

import rephase

HERE = Path(__file__).parent
SOURCE = HERE / "audio" / "kitchen-0db.degraded.flac"
CLEAN = HERE / "audio" / "kitchen-0db.clean.flac"
OUTPUT = HERE / "output"


def draw(recordings: dict[str, Path], picture: Path) -> None:
    """Draws the spectrograms of recordings, by their titles, on one scale."""
    figure, panels = pyplot.subplots(
        len(recordings), 1, figsize=(10, 2.5 * len(recordings)), sharex=True, sharey=True, layout="constrained"
    )
    for panel, (title, path) in zip(panels, recordings.items(), strict=True):
        samples, sample_rate = soundfile.read(path)
        *_, image = panel.specgram(
            samples, NFFT=512, noverlap=384, Fs=sample_rate, vmin=-110, vmax=-40, cmap="magma", scale="dB"
        )
        panel.set(title=f"{title}: {path.name}", ylabel="frequency (kHz)")
        panel.set_yticks(range(0, sample_rate // 2 + 1, 2000), [str(k) for k in range(0, sample_rate // 2000 + 1, 2)])
    panels[-1].set_xlabel("time (s)")
    figure.colorbar(image, ax=panels, label="power density (dB/Hz)")
    figure.savefig(picture, dpi=80, pil_kwargs={"optimize": True})


def main() -> None:
    """Enhances, draws, and says what lies where."""
    OUTPUT.mkdir(exist_ok=True)
    target = OUTPUT / "kitchen-0db.enhanced.flac"
    enhancer = rephase.Enhancer.from_pretrained()
    report = enhancer.enhance_file(SOURCE, target, overwrite=True)
    picture = OUTPUT / "spectrogram.png"
    draw({"before": SOURCE, "after": target, "what was said, without the noise": CLEAN}, picture)
    for label, value in {
        "in": SOURCE,
        "out": target,
        "model": report.model,
        "duration": f"{report.audio_seconds:.2f} s",
        "RTF": f"{report.rtf:.3f} (compute time / audio time)",
        "picture": picture,
    }.items():
        print(f"{label:>10}  {value}")
    print(f"\nYour own: {Path(sys.executable).parent / 'rephase'} enhance talk.wav")


if __name__ == "__main__":
    main()
