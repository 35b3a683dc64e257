"""A chain in which nothing happens, for tests to add one thing at a time."""

from collections.abc import Callable
from dataclasses import fields

import pytest

from rephase.degradations.chain import Chain


@pytest.fixture(scope="session")
def nothing() -> Callable[..., Chain]:
    """Makes a chain that changes the level alone, but for what is named."""
    never = {each.name: 0.0 for each in fields(Chain) if each.name.startswith("p_")}
    return lambda **changes: Chain(**({"level_db": 0.0} | never | changes))
