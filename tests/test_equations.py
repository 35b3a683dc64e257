"""docs/equations.md names functions and tests that exist, and leaves no layer out."""

import re
from pathlib import Path
from pkgutil import resolve_name

import pytest

from rephase import layers

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "equations.md").read_text(encoding="utf-8")
FUNCTIONS = sorted(set(re.findall(r"`(rephase\.[\w.]+)`", PAGE)))
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| operation")]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_function_exists(name):
    resolve_name(name)


@pytest.mark.parametrize(("path", "name"), TESTS)
def test_the_test_exists(path, name):
    assert re.search(rf"^def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)


def test_each_row_leads_to_a_function_and_a_test():
    for row in ROWS:
        if not row.startswith("| property"):
            assert re.search(r"`rephase\.[\w.]+` \|", row), row
            assert re.search(r"`tests/[\w/]+\.py::\w+` \|$", row), row
    assert len(ROWS) > 20


def test_every_layer_has_its_row():
    # The convolutions of the magnitude stream are torch's own.
    own = set(layers.__all__) - {"MagnitudeConv2d", "SubPixelMagnitudeConv2d"}
    assert own <= {name.removeprefix("rephase.layers.") for name in FUNCTIONS}
