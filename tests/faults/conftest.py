"""The generator is a handful of modules that `make faults` runs as a script too, so they import one another plainly."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
