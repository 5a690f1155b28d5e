"""What the voxel holds, and how strong its signals are after relaxation."""

from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.synthetic.description import StudyDescription
from mrs_pipeline.synthetic.streams import stream

#: No fraction is drawn below this, so that logarithms and ratios exist.
SMALLEST_FRACTION = 0.01


@dataclass(frozen=True, kw_only=True)
class Tissue:
    """Volume fractions of a voxel; they add up to 1."""

    grey_matter: float
    white_matter: float
    csf: float

    @property
    def fractions(self) -> FloatArray:
        """Grey matter, white matter, cerebrospinal fluid."""
        return np.array([self.grey_matter, self.white_matter, self.csf])


def tissue(*, grey_matter: float, csf: float) -> Tissue:
    """Fractions from those of grey matter and CSF, none below `SMALLEST_FRACTION`."""
    fractions = np.maximum([grey_matter, 1.0 - grey_matter - csf, csf], SMALLEST_FRACTION)
    grey, white, fluid = fractions / fractions.sum()
    return Tissue(grey_matter=float(grey), white_matter=float(white), csf=float(fluid))


def mean_tissue(description: StudyDescription) -> Tissue:
    """The voxel of the population mean."""
    return tissue(grey_matter=description.voxel.grey_matter, csf=description.voxel.csf)


def shifted(before: Tissue, *, csf: float, grey_white: float) -> Tissue:
    """The voxel with that much more CSF, taken from grey and white matter alike, and half the grey-white difference changed."""
    return tissue(grey_matter=before.grey_matter - 0.5 * csf + grey_white, csf=before.csf + csf)


def visit_tissue(description: StudyDescription, *, seed: int, participant_index: int, index: int) -> Tissue:
    """Fractions at a visit placed as planned: a normal deviation of the person and one of the visit."""
    voxel = description.voxel
    person = stream(seed, purpose="tissue", participant_index=participant_index).standard_normal(2)
    visit = stream(seed, purpose="tissue", participant_index=participant_index, session_index=index + 1).standard_normal(2)
    return shifted(
        mean_tissue(description),
        csf=voxel.csf_participant_sd * person[0] + voxel.csf_session_sd * visit[0],
        grey_white=voxel.grey_white_participant_sd * person[1] + voxel.grey_white_session_sd * visit[1],
    )


def relaxation_factor(*, t1_s: FloatArray, t2_s: FloatArray, echo_time_s: float, repetition_time_s: float) -> FloatArray:
    """What saturation and decay leave of a spin-echo signal: (1 - exp(-TR / T1)) exp(-TE / T2).

    Near et al. 2021, doi 10.1002/nbm.4257, eq. 4, for a 90 degree excitation and refocusing pulses short against T1.
    """
    return np.asarray(-np.expm1(-repetition_time_s / t1_s) * np.exp(-echo_time_s / t2_s))


def signal_weights(description: StudyDescription, voxel: Tissue) -> FloatArray:
    """Signal of each metabolite for 1 mmol/L in grey matter, shape (n_metabolites,): both tissues with their relaxation."""
    names, relaxation = description.metabolites, description.relaxation
    t1_s = np.array([relaxation.metabolite_t1_s.get(name, relaxation.metabolite_t1_s["default"]) for name in names])
    t2_s = np.array([relaxation.metabolite_t2_s.get(name, relaxation.metabolite_t2_s["default"]) for name in names])
    return np.asarray((_relaxed(description, t1_s=t1_s, t2_s=t2_s) * content_weights(description, voxel)).sum(axis=1))


def content_weights(description: StudyDescription, voxel: Tissue) -> FloatArray:
    """Content of the voxel (mmol/L) in grey and in white matter for 1 mmol/L in grey matter, shape (n_metabolites, 2)."""
    ratio = np.array([description.levels.white_matter_ratio.get(name, 1.0) for name in description.metabolites])
    return np.stack([np.full(len(ratio), voxel.grey_matter), voxel.white_matter * ratio], axis=1)


def water_signal_mmol_per_l(description: StudyDescription, voxel: Tissue) -> float:
    """Water of the three compartments after relaxation, mmol per litre of voxel."""
    t1_s, t2_s = np.array(description.relaxation.water_t1_s), np.array(description.relaxation.water_t2_s)
    return float(voxel.fractions @ (np.array(description.water.mmol_per_l) * _relaxed(description, t1_s=t1_s, t2_s=t2_s)))


def _relaxed(description: StudyDescription, *, t1_s: FloatArray, t2_s: FloatArray) -> FloatArray:
    echo_time_s, repetition_time_s = description.acquisition.echo_time_s, description.timing.repetition_time_s
    return relaxation_factor(t1_s=t1_s, t2_s=t2_s, echo_time_s=echo_time_s, repetition_time_s=repetition_time_s)
