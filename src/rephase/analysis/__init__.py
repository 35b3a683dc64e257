"""What a network has learned: what `rephase analyze` measures and draws."""
