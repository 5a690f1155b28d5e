"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def external_data() -> Path:
    """The folder of real and independent data; the test is skipped where there is none."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MRS_EXTERNAL_DATA", default))
    if not folder.is_dir():
        pytest.skip("no external data: set MRS_EXTERNAL_DATA to the folder that holds them")
    return folder
