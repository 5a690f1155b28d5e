"""Content of the BIDS files of a synthetic study: descriptions, tables of people and visits, sidecars."""

import functools
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib import resources

import numpy as np
import pandas as pd

from mrs_pipeline import __version__
from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.fids import Fids
from mrs_pipeline.synthetic.clinical import BEFORE, score_columns
from mrs_pipeline.synthetic.people import Participant
from mrs_pipeline.synthetic.plan import StudyPlan
from mrs_pipeline.synthetic.sections.people import ClinicalScale
from mrs_pipeline.synthetic.signals import SessionSignals
from mrs_pipeline.synthetic.timing import schedule

#: First version with magnetic resonance spectroscopy.
BIDS_VERSION = "1.10.0"

#: First transient of every visit: BIDS marks dates that are not real by years up to 1925.
VISIT_START = datetime(1925, 1, 1, 10, 0, 0)

#: Proton gyromagnetic ratio over 2 pi, MHz/T (CODATA 2018, rounded).
_GYROMAGNETIC_MHZ_PER_T = 42.577


@functools.cache
def column_dictionary() -> Mapping[str, Mapping[str, object]]:
    """Description of every column of the tables of a synthetic study."""
    text = resources.files("mrs_pipeline.schemas").joinpath("simulated_columns.json").read_text(encoding="utf-8")
    descriptions: Mapping[str, Mapping[str, object]] = json.loads(text)
    return descriptions


def dataset_description(plan: StudyPlan) -> dict[str, object]:
    """``dataset_description.json`` of the simulated recordings."""
    return {
        "Name": plan.description.name,
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "raw",
        "License": "CC0",
        "Authors": ["mrs_pipeline (simulated data)"],
        "GeneratedBy": [{"Name": "mrs_pipeline simulate", "Version": __version__, "Description": f"seed {plan.seed}"}],
    }


def truth_description(plan: StudyPlan) -> dict[str, object]:
    """``dataset_description.json`` of the truth."""
    own = {"Name": f"{plan.description.name}: true values", "DatasetType": "derivative"}
    return {**dataset_description(plan), **own}


def readme(plan: StudyPlan, *, description_name: str) -> str:
    """README of the dataset: what it is, the command that makes it and where the truth lies."""
    return f"""# {plan.description.name}

{plan.description.description.strip()}

Nobody was measured: every value comes from the generator, and the recordings hold signals with the usual faults (drift, respiration,
phase, motion, eddy currents, residual water, lipids, macromolecules, lost transients). Made with

    mrs-pipeline simulate {description_name} --seed {plan.seed} --out BIDS_DIR

`phenotype` holds clinical ratings. `derivatives/truth` holds the description and the true values: `truth_contrasts.tsv` (the effect to
find), `truth_measures.tsv` (the ratio in every transient), `truth_amplitudes.tsv`, `truth_sessions.tsv`, `truth_transients.tsv` (frequency
and phase errors, spoiled transients) and `truth_clinical.tsv`. An analysis must not read them. The true ratio is that of the signals after
relaxation in the tissue of the voxel; `content_ratio` is that of what the voxel holds. "percent" of a ratio means 100 x natural logarithm.
"""


def participants_table(plan: StudyPlan) -> pd.DataFrame:
    """``participants.tsv``: participant_id, sex, age and the sequence of conditions."""
    people = plan.participants
    columns = {
        "participant_id": [f"sub-{person.participant}" for person in people],
        "sex": [person.sex for person in people],
        "age": [person.age_years for person in people],
        "sequence": [person.sequence for person in people],
    }
    return pd.DataFrame(columns)


def sessions_table(person: Participant) -> pd.DataFrame:
    """``sub-*_sessions.tsv``: session_id, start (on a fictitious day), condition, period, days since the visit before.

    A visit that did not take place is listed: it was planned.
    """
    starts = [_visit_start(person, session=session).isoformat() for session in ("1", "2")]
    columns = {
        "session_id": ["ses-1", "ses-2"],
        "acq_time": starts,
        "condition": list(person.conditions),
        "period": [1, 2],
        "washout_days": pd.Series([None, person.washout_days], dtype=object),
    }
    return pd.DataFrame(columns)


def _visit_start(person: Participant, *, session: str) -> datetime:
    return VISIT_START + timedelta(days=person.washout_days if session == "2" else 0)


def phenotype_dictionary(scale: ClinicalScale) -> dict[str, object]:
    """JSON beside the ratings of a scale."""
    low, high = scale.score_range
    rating = {"Units": "points", "Minimum": low, "Maximum": high}
    scores = {
        column: {"Description": f"Total score of session {session}, {BEFORE if time == BEFORE else f'{time} after'} the infusion", **rating}
        for column, (session, time) in score_columns(scale).items()
    }
    return {"MeasurementToolMetadata": {"Description": scale.title}, "participant_id": column_dictionary()["participant_id"], **scores}


def run_stem(plan: StudyPlan, *, participant: str, session: str, run: int) -> str:
    """File name of a recording up to its suffix; ``run-`` only where a visit has several."""
    several = schedule(plan.description.timing).n_runs > 1
    entity = f"_run-{run + 1}" if several else ""
    return f"sub-{participant}_ses-{session}_task-{plan.description.design.task}{entity}"


def scans_table(plan: StudyPlan, signals: SessionSignals, *, participant: str, session: str) -> pd.DataFrame:
    """``*_scans.tsv``: when each recording and its water reference, acquired just before it, started (on a fictitious day)."""
    repetition_s = plan.description.timing.repetition_time_s
    person = plan.visit(participant=participant, session=session).participant
    rows = []
    for index, run in enumerate(signals.runs):
        stem = run_stem(plan, participant=participant, session=session, run=index)
        for suffix, start_s in (("mrsref", run.start_s - repetition_s * run.reference.sizes["transient"]), ("svs", run.start_s)):
            time = _visit_start(person, session=session) + timedelta(seconds=start_s)
            rows.append({"filename": f"mrs/{stem}_{suffix}.nii.gz", "acq_time": time.isoformat(timespec="milliseconds")})
    return pd.DataFrame(rows)


def sidecar(plan: StudyPlan, *, fids: Fids, water_suppressed: bool, times_s: FloatArray | None = None) -> dict[str, object]:
    """JSON sidecar of a recording, times in seconds.

    Where transients were lost, ``times_s`` of those that are there are stated one by one (VolumeTiming) instead of the repetition time.
    """
    recording, acquisition = plan.description.acquisition, fids.acquisition
    repetition_s = float(acquisition.repetition_time_s or 0.0)
    has_gaps = times_s is not None and not np.allclose(np.diff(times_s), repetition_s)
    timing = {"VolumeTiming": times_s.tolist()} if has_gaps and times_s is not None else {"RepetitionTime": repetition_s}
    return {
        "ResonantNucleus": acquisition.nucleus,
        "SpectrometerFrequency": acquisition.spectrometer_frequency_mhz,
        "SpectralWidth": acquisition.spectral_width_hz,
        "EchoTime": acquisition.echo_time_s,
        **timing,
        "NumberOfTransients": fids.sizes["transient"],
        "NumberOfSpectralPoints": acquisition.n_points,
        "WaterSuppression": water_suppressed,
        "PulseSequenceType": recording.sequence.upper(),
        "AcquisitionVoxelSize": list(recording.voxel_size_mm),
        "MagneticFieldStrength": round(acquisition.spectrometer_frequency_mhz / _GYROMAGNETIC_MHZ_PER_T, 2),
        "ReceiveCoilActiveElements": f"{fids.sizes['coil']} simulated coils",
        "TaskName": plan.description.design.task,
        "BodyPart": "BRAIN",
    }
