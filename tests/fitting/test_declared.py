"""Declared parameters against lmfit's own container."""

import lmfit

from mrs_pipeline.fitting.declared import Parameters


def test_parameters_are_those_of_lmfit() -> None:
    found, expected = Parameters(), lmfit.Parameters()
    for parameters in (found, expected):
        parameters.add("shift_hz", value=1.0, min=-5.0, max=5.0)
        parameters.add("phase_rad", value=0.2, vary=False)
    handed = found.as_lmfit()
    assert list(handed) == list(expected) == list(found)
    for name, item in expected.items():
        assert (handed[name].value, handed[name].min, handed[name].max, handed[name].vary) == (item.value, item.min, item.max, item.vary)
        assert (found[name].value, found[name].min, found[name].max, found[name].vary) == (item.value, item.min, item.max, item.vary)
