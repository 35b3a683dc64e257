"""Transforms without learnable parameters, in torch: STFT, compression, real pairs, phase."""
