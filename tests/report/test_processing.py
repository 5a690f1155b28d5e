"""The figure of preprocessing shows what the records of the steps hold."""

import pytest

from mrs_pipeline.report.processing import processing_overview

RECORDS = {
    "coil_combination": {"weights": [0.2, 1.0, 0.0, 0.5], "noise_sd": [1.0, 1.5, None, 0.8]},
    "eddy_current": {"curve_time_s": [0.0, 0.01, 0.02], "curve_phase_rad": [0.0, 0.2, 0.1]},
    "water_removal": {"curve_ppm": [5.0, 4.6, 4.0], "curve_before": [1.0, 9.0, 2.0], "curve_after": [1.0, 0.5, 1.8]},
    "phase_reference": {"curve_ppm": [4.0, 2.0, 1.0], "curve_spectrum": [1.0, 9.0, 2.0]},
}
WORDS = {
    "coil_combination": "channel",
    "eddy_current": "phase of the",
    "water_removal": "before water",
    "phase_reference": "where NAA must be",
}


@pytest.mark.parametrize("step", RECORDS)
def test_a_step_with_curves_has_a_panel(step):
    drawing = processing_overview([{"step": step, "values": RECORDS[step]}, {"step": "alignment", "values": {"frequency_sd_hz": 1.0}}])
    assert WORDS[step] in drawing
    assert all(words not in drawing for name, words in WORDS.items() if name != step)


def test_steps_without_curves_have_none():
    for steps in ([], [{"step": "eddy_current", "values": {"skipped": "no water reference"}}], [{"step": "phase_reference"}]):
        assert "no curves" in processing_overview(steps)


def test_the_same_records_make_the_same_bytes():
    steps = [{"step": name, "values": values} for name, values in RECORDS.items()]
    assert processing_overview(steps) == processing_overview(steps)
