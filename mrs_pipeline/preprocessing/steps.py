"""The table of preprocessing steps and the function that runs a list of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from mrs_pipeline.errors import ConfigError, unknown_name
from mrs_pipeline.preprocessing.alignment import OPTIONS as ALIGNMENT
from mrs_pipeline.preprocessing.alignment import align
from mrs_pipeline.preprocessing.coil_combination import OPTIONS as COIL_COMBINATION
from mrs_pipeline.preprocessing.coil_combination import combine_coils
from mrs_pipeline.preprocessing.eddy_current import OPTIONS as EDDY_CURRENT
from mrs_pipeline.preprocessing.eddy_current import correct_eddy_currents
from mrs_pipeline.preprocessing.phase_reference import OPTIONS as PHASE_REFERENCE
from mrs_pipeline.preprocessing.phase_reference import phase_and_reference
from mrs_pipeline.preprocessing.rejection import OPTIONS as REJECTION
from mrs_pipeline.preprocessing.rejection import reject
from mrs_pipeline.preprocessing.session import Session
from mrs_pipeline.preprocessing.step import Step, resolve
from mrs_pipeline.preprocessing.water_removal import OPTIONS as WATER_REMOVAL
from mrs_pipeline.preprocessing.water_removal import remove_session_water

#: Every step by the name used in the configuration.
STEPS: dict[str, Step] = {
    "coil_combination": Step(function=combine_coils, options=COIL_COMBINATION),
    "eddy_current": Step(function=correct_eddy_currents, options=EDDY_CURRENT),
    "alignment": Step(function=align, options=ALIGNMENT),
    "rejection": Step(function=reject, options=REJECTION),
    "water_removal": Step(function=remove_session_water, options=WATER_REMOVAL),
    "phase_reference": Step(function=phase_and_reference, options=PHASE_REFERENCE),
}

#: The order of Near et al. 2021, NMR Biomed 34:e4257, with every option at its default.
DEFAULT_STEPS: tuple[Mapping[str, Any], ...] = tuple({"step": name} for name in STEPS)


def checked_steps(steps: Sequence[Mapping[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Names and complete options of a configured list of steps; `ConfigError` says what is not understood."""
    checked = []
    for entry in steps:
        if "step" not in entry:
            raise ConfigError(f"preprocessing entry {dict(entry)} has no key 'step': name one of {', '.join(sorted(STEPS))}")
        name = entry["step"]
        if name not in STEPS:
            raise unknown_name("preprocessing step", str(name), STEPS)
        given = {key: value for key, value in entry.items() if key != "step"}
        checked.append((name, resolve(STEPS[name].options, given, step=name)))
    return checked


def preprocess(session: Session, *, steps: Sequence[Mapping[str, Any]]) -> Session:
    """The session after all steps, e.g. ``[{"step": "coil_combination"}, {"step": "alignment", "range_ppm": [1.8, 4.2]}]``.

    All names and options are checked before the first step runs (`ConfigError`).
    """
    for name, options in checked_steps(steps):
        session = STEPS[name].run(session, options=options)
    return session
