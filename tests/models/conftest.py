"""The same draws in every test, whatever ran before."""

import pytest
import torch


@pytest.fixture(autouse=True)
def same_draws():
    torch.manual_seed(0)
