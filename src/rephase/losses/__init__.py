"""Losses, one a file; estimate and reference are keyword arguments."""
