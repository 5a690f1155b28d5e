"""Estimators of a session's time course beside its windows: the joint fit, and what the linewidth would do to fits that hold it.

- `independent`: each window beside the fit of the session's mean, its widths free (the windows themselves, `fit_windows`);
- `joint`: all windows in one fit, with baseline and macromolecules estimated from all together;
- `lineshape_held`: as `independent`, with the widths of the mean in every window: a change of the linewidth shows as one of amplitudes;
- `linewidth_matched`: as `lineshape_held`, but windows are first broadened to one linewidth, the noise left as it was.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import BoolArray, FloatArray
from mrs_pipeline.errors import DataError
from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.fit import Fitter
from mrs_pipeline.fitting.joint import fit_joint
from mrs_pipeline.fitting.joint_problem import Courses
from mrs_pipeline.fitting.session import fit_windows
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit
from mrs_pipeline.timecourse.linewidths import WindowWidths
from mrs_pipeline.timecourse.matching import MatchingOptions, match_linewidths


@dataclass(frozen=True, kw_only=True)
class SessionCourse:
    """Windows of a session with their fits: averages of `counts` transients, which are `active` (not baseline), the fit of the mean.

    `seed` is that of the noise added by linewidth matching.
    """

    averaged: Fids
    counts: FloatArray
    active: BoolArray
    fits: tuple[SpectrumFit, ...]
    mean: SpectrumFit
    fitter: Fitter
    seed: int


def _require_mean(course: SessionCourse) -> None:
    if course.mean.status != "ok":
        raise DataError(f"the mean of the session could not be fitted ({course.mean.status})")


def joint(course: SessionCourse) -> tuple[SpectrumFit, ...]:
    """Amplitudes free in every window, everything else from all windows together."""
    _require_mean(course)
    courses = Courses(amplitudes="free", widths="free", design=np.ones((len(course.counts), 1)))
    found = fit_joint(course.averaged, counts=course.counts, courses=courses, fitter=course.fitter, mean=course.mean)
    return found.window_fits(len(course.counts))


def lineshape_held(course: SessionCourse) -> tuple[SpectrumFit, ...]:
    """The widths of the mean in every window."""
    _require_mean(course)
    return fit_windows(course.averaged, counts=course.counts, fitter=course.fitter, mean=course.mean, widths="held")


def linewidth_matched(course: SessionCourse) -> tuple[SpectrumFit, ...]:
    """Windows of one linewidth, then as `lineshape_held` beside the mean of these; `DataError` without two widths to compare.

    Matched are the mean widths of baseline and response: single ones are known too badly, and drawn towards their mean they would leave
    half of the difference.
    """
    _require_mean(course)
    widths, errors, noise = (np.array([fit.quality[name] for fit in course.fits]) for name in ("fwhm_hz", "fwhm_sd_hz", "noise_sd"))
    if np.count_nonzero(np.isfinite(widths)) < 2:
        raise DataError("linewidths of fewer than two windows are known: there is nothing to match")
    known = WindowWidths(
        fwhm_hz=widths,
        sd_hz=errors,
        infusion=course.active,
        gaussian_hz=float(np.sqrt(course.mean.parameters["gaussian_square_hz2"])),
    )
    matched = match_linewidths(
        course.averaged,
        widths=known,
        noise_sd=noise / np.sqrt(course.averaged.acquisition.n_points),
        rng=np.random.default_rng(course.seed),
        options=MatchingOptions(shrinkage="two_level"),
    )
    return fit_windows(matched.fids, counts=course.counts, fitter=course.fitter, widths="held")


#: Name in the measures table -> what fits the windows.
ESTIMATORS: dict[str, Callable[[SessionCourse], tuple[SpectrumFit, ...]]] = {
    "joint": joint,
    "lineshape_held": lineshape_held,
    "linewidth_matched": linewidth_matched,
}
