"""What every test shares: shapes and types of all public signatures are checked while tests run."""

import hypothesis
from jaxtyping import install_import_hook

# Before the first import of rephase: every function's jaxtyping shapes and annotations are checked by beartype.
install_import_hook("rephase", "beartype.beartype")

# The same examples on every run and machine, and no deadline: a loaded machine is not a failure.
hypothesis.settings.register_profile("rephase", derandomize=True, deadline=None)
hypothesis.settings.load_profile("rephase")
