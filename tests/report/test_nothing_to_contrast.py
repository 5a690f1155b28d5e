import pandas as pd

from mrs_pipeline.report.courses import quality_course
from mrs_pipeline.report.wording import NOTHING_TO_CONTRAST, headline


def test_a_study_without_conditions_says_that_it_has_nothing_to_contrast() -> None:
    row = {"analysis": "session_aware", "measure": "Glx/tNAA", "contrast": "none", "status": NOTHING_TO_CONTRAST, "reason": "one condition"}
    found = headline(pd.DataFrame([row]).assign(estimate=float("nan")), primary={"measure": "Glx/tNAA", "analysis": "session_aware"})
    assert found.sentence == "There is nothing to contrast: one condition."


def test_without_an_infusion_none_is_drawn() -> None:
    quality = pd.DataFrame(
        {
            "participant": ["01"],
            "session": ["1"],
            "condition": [""],
            "window": [0],
            "window_start_s": [0.0],
            "window_stop_s": [80.0],
            "fwhm_hz": [11.5],
            "snr": [60.0],
        }
    )
    assert "infusion" in quality_course(quality)
    assert "infusion" not in quality_course(quality, infusion_stop_s=0.0)
