"""docs/architecture.md is what `make docs` makes of the code as it stands."""

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def test_the_page_is_up_to_date():
    spec = importlib.util.spec_from_file_location("make_architecture", DOCS / "make_architecture.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (DOCS / "architecture.md").read_text(encoding="utf-8") == module.page()
    assert (DOCS / "images" / "architecture.svg").is_file()
