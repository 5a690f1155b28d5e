"""A user's own step: the code of docs/preprocessing.md, one file and one line."""

import re
from pathlib import Path

import numpy as np
import pytest

from mrs_pipeline.errors import ConfigError
from mrs_pipeline.preprocessing.step import Step
from mrs_pipeline.preprocessing.steps import STEPS, checked_steps, preprocess

PAGE = Path(__file__).parents[2] / "docs" / "preprocessing.md"


@pytest.fixture
def table(tmp_path, monkeypatch):
    """The table of steps with the line of the page, taken back afterwards."""
    file, line = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    (tmp_path / "own_apodisation.py").write_text(file, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    steps = dict(STEPS)
    names = vars(__import__("own_apodisation"))
    exec(line, {"STEPS": steps, "Step": Step, "apodise": names["apodise"], "OPTIONS": names["OPTIONS"]})  # noqa: S102  the page itself
    monkeypatch.setitem(STEPS, "apodisation", steps["apodisation"])
    return STEPS


def test_it_runs_among_the_others(table, brain, rng):
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(4), snr=20.0)
    session = preprocess(brain.session(data), steps=[{"step": "apodisation", "width_hz": 3.0}, {"step": "phase_reference"}])
    expected = data * np.exp(-np.pi * 3.0 * brain.time_s)
    turn = session.fids.data / expected
    np.testing.assert_allclose(np.abs(turn), 1.0, rtol=1e-9)
    assert [record.step for record in session.records] == ["apodisation", "phase_reference"]
    assert session.fids.history[0].details == "3 Hz Lorentzian"


def test_its_options_are_checked_like_all_others(table):
    with pytest.raises(ConfigError, match=r"unknown option of step apodisation 'width'.*width_hz"):
        checked_steps([{"step": "apodisation", "width": 1.0}])
    assert checked_steps([{"step": "apodisation"}]) == [("apodisation", {"width_hz": 2.0})]


def test_it_is_named_where_steps_are_listed(table):
    with pytest.raises(ConfigError, match="apodisation"):
        checked_steps([{"step": "apodization"}])
