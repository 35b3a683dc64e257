"""Audio for training: decoded once, read in crops."""
