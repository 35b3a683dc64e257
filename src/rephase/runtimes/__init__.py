"""Runtimes: waveform in, waveform out. ONNX Runtime is the default and comes with rephase; torch is an extra."""
