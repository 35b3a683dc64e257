"""Models by name or folder: what they are, whether their weights ship, and that a file is the one described.

Each folder beside this file is a bundled model. Nothing here imports torch.
"""

from rephase.weights.registry import ModelFolder, find_model, list_models

__all__ = ["ModelFolder", "find_model", "list_models"]
