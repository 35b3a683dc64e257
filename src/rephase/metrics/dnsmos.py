"""DNSMOS: what listeners would say of a recording, without a clean one beside it; two networks of Microsoft.

P.835 gives three opinions, of the speech (SIG), of the background (BAK) and of the whole (OVRL); P.808 gives one of the
whole. A recording is repeated until it lasts 9.01 s, scored in windows of 9.01 s every second, and the means are taken.
Both depend on the level. They reward what sounds clean: they don't know what was said, and a metric with a reference
must stand beside them.

Sources: Reddy, Gopal, Cutler, "DNSMOS P.835", ICASSP 2022, and "DNSMOS", ICASSP 2021. Code and models are those of the
package `speechmos`.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from rephase.metrics.inputs import MetricError, checked_waveform, refuse_silence

NAMES = {"dnsmos_sig": "sig_mos", "dnsmos_bak": "bak_mos", "dnsmos_ovrl": "ovrl_mos", "dnsmos_p808": "p808_mos"}


def dnsmos(*, estimate: Shaped[np.ndarray, "..."], sample_rate: int) -> dict[str, float]:
    """The four opinions of DNSMOS.

    Args:
        estimate: waveform `[time]` to be scored, full scale ±1.
        sample_rate: 16,000 Hz.

    Returns:
        `dnsmos_sig`, `dnsmos_bak`, `dnsmos_ovrl` (P.835) and `dnsmos_p808`, each from about 1 (bad) to 5 (excellent).

    Raises:
        MetricError: if the waveform can't be scored: another rate, silent, or beyond full scale.
        ImportError: if a package is missing.
    """
    estimate = checked_waveform(estimate, sample_rate, name="estimate", metric="dnsmos")
    if sample_rate != 16000:
        raise MetricError(f"dnsmos is defined at 16000 Hz; got {sample_rate}; resample the waveform first")
    refuse_silence(estimate=estimate, metric="dnsmos")
    peak = np.abs(estimate).max()
    if peak > 1:
        raise MetricError(f"dnsmos takes samples within ±1; got a peak of {peak:.3g}; turn the waveform down first")
    opinions = _networks()(estimate, sample_rate, False)
    return {name: float(opinions[theirs]) for name, theirs in NAMES.items()}


class _Session:
    """A graph of ONNX Runtime on one thread that knows its last answers.

    A recording that lasts whole seconds repeats itself in later windows: most of the work on short ones.
    """

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # files are scored side by side
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._answers: dict[bytes, list[np.ndarray]] = {}

    def run(self, names: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        (key,) = (array.tobytes() for array in inputs.values())
        if key not in self._answers:
            if len(self._answers) >= 20:  # a window is half a megabyte
                self._answers.clear()
            self._answers[key] = self._session.run(names, inputs)
        return self._answers[key]


@lru_cache(maxsize=1)
def _networks() -> Any:
    try:
        from speechmos import dnsmos as package
    except ImportError as error:
        raise ImportError(f"dnsmos needs the package {error.name}: pip install 'rephase[eval]'") from error
    folder = Path(package.__file__).parent / "dnsmos_models"
    networks = package.DNSMOS(str(folder / "sig_bak_ovr.onnx"), str(folder / "model_v8.onnx"))
    networks.onnx_sess = _Session(folder / "sig_bak_ovr.onnx")
    networks.p808_onnx_sess = _Session(folder / "model_v8.onnx")
    return networks
