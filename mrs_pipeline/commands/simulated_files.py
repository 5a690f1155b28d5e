"""Content of the BIDS files of a synthetic study: descriptions, tables of people and visits, sidecars."""

import functools
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib import resources

import pandas as pd

from mrs_pipeline import __version__
from mrs_pipeline.fids import Fids
from mrs_pipeline.synthetic.plan import Participant, StudyPlan
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

Nobody was measured: every value comes from the generator, and the recordings hold signals with the usual faults (drift, phase,
motion, eddy currents, residual water, macromolecules). Made with

    mrs-pipeline simulate {description_name} --seed {plan.seed} --out BIDS_DIR

`derivatives/truth` holds the description file and the true values: `truth_contrasts.tsv` (the effect to find), `truth_measures.tsv`
(the ratio in every transient), `truth_amplitudes.tsv`, `truth_sessions.tsv` and `truth_transients.tsv` (frequency and phase errors,
spoiled transients). An analysis must not read them. Relaxation is not simulated: amplitudes are concentrations as far as the spectrum
shows them. "percent" of a ratio means 100 x natural logarithm.
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
    """``sub-*_sessions.tsv``: session_id, condition and period."""
    return pd.DataFrame({"session_id": ["ses-1", "ses-2"], "condition": list(person.conditions), "period": [1, 2]})


def run_stem(plan: StudyPlan, *, participant: str, session: str, run: int) -> str:
    """File name of a recording up to its suffix; ``run-`` only where a visit has several."""
    several = schedule(plan.description.timing).n_runs > 1
    entity = f"_run-{run + 1}" if several else ""
    return f"sub-{participant}_ses-{session}_task-{plan.description.design.task}{entity}"


def scans_table(plan: StudyPlan, signals: SessionSignals, *, participant: str, session: str) -> pd.DataFrame:
    """``*_scans.tsv``: when each recording and its water reference, acquired just before it, started (on a fictitious day)."""
    repetition_s = plan.description.timing.repetition_time_s
    rows = []
    for index, run in enumerate(signals.runs):
        stem = run_stem(plan, participant=participant, session=session, run=index)
        for suffix, start_s in (("mrsref", run.start_s - repetition_s * run.reference.sizes["transient"]), ("svs", run.start_s)):
            time = VISIT_START + timedelta(seconds=start_s)
            rows.append({"filename": f"mrs/{stem}_{suffix}.nii.gz", "acq_time": time.isoformat(timespec="milliseconds")})
    return pd.DataFrame(rows)


def sidecar(plan: StudyPlan, *, fids: Fids, water_suppressed: bool) -> dict[str, object]:
    """JSON sidecar of a recording, times in seconds."""
    recording, acquisition = plan.description.acquisition, fids.acquisition
    return {
        "ResonantNucleus": acquisition.nucleus,
        "SpectrometerFrequency": acquisition.spectrometer_frequency_mhz,
        "SpectralWidth": acquisition.spectral_width_hz,
        "EchoTime": acquisition.echo_time_s,
        "RepetitionTime": acquisition.repetition_time_s,
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
