"""The sets of the 2016 fitting challenge in a folder: data, signals, truth; and how a set was broadened, shifted and phased.

The folder holds ``datasetNN.nii.gz``, ``basis.npz`` and ``truth.csv`` with one column ``datasetN`` for each set whose truth is known.
The first sample is stored halved in the data and in the macromolecules but not in the metabolites. Macromolecules are brought to the
convention of the metabolites; the data are fitted as they are stored, as any program reads them: to a fit the constant offset of the
spectrum that the first sample makes is a matter of the baseline.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import scipy.optimize
from reference_model import GAUSSIAN, Truth, fitted_points

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray
from mrs_pipeline.basis.basis_set import BasisSet, standard_name
from mrs_pipeline.io.nifti_mrs import read_fids

NOT_METABOLITES = {"sf_MHz", "dt_s", "Ace", "PressMac_30ms", "Mac"}


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """All of the challenge in one folder: signals (macromolecules ``Mac`` last) and paths of data and truths by number of the set."""

    basis: BasisSet
    files: dict[int, Path]
    truths: dict[int, dict[str, float]]

    def data(self, number: int) -> ComplexArray:
        """FID of a set."""
        return np.array(read_fids(self.files[number]).data, dtype=complex).ravel()


def read_challenge(folder: Path) -> Challenge:
    """All sets of a folder."""
    named = [(re.fullmatch(r"dataset(\d+)\.nii\.gz", path.name), path) for path in sorted(folder.glob("dataset*.nii.gz"))]
    files = {int(found[1]): path for found, path in named if found}
    return Challenge(basis=_basis(folder / "basis.npz"), files=files, truths=_truths(folder / "truth.csv"))


def _basis(path: Path) -> BasisSet:
    with np.load(path) as content:
        signals = {standard_name(name): content[name] for name in content if name not in NOT_METABOLITES}
        signals["Mac"], frequency_mhz, dwell_s = content["Mac"].copy(), float(content["sf_MHz"]), float(content["dt_s"])
    signals["Mac"][0] *= 2
    acquisition = Acquisition(
        nucleus="1H",
        spectrometer_frequency_mhz=frequency_mhz,
        spectral_width_hz=1 / dwell_s,
        n_points=signals["Mac"].size,
        echo_time_s=0.03,
        repetition_time_s=None,
    )
    return BasisSet(metabolites=tuple(signals), fids=np.array(list(signals.values())), acquisition=acquisition, sequence="challenge")


def _truths(path: Path) -> dict[int, dict[str, float]]:
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    columns = [name for name in rows[0] if re.fullmatch(r"dataset\d+", name)]
    table = {int(name[7:]): {standard_name(row["metabolite"]): float(row[name]) for row in rows if row[name]} for name in columns}
    return {number: truth for number, truth in table.items() if truth}


@dataclass(frozen=True, kw_only=True)
class Oracle:
    """What a fit that knows the true amplitudes finds of a set; only the benchmark uses it.

    `truth` is upright, at its place and complete in its first sample; `recorded` is the noise-free FID as it was recorded. `misfit` is the
    residual's standard deviation over that of the noise, `sample_sd`, of the real part of a sample.
    """

    truth: Truth
    recorded: ComplexArray
    sample_sd: float
    misfit: float

    @property
    def noise_sd(self) -> float:
        """Standard deviation of the noise of the real spectrum."""
        return self.sample_sd * float(np.sqrt(self.recorded.size))

    def draw(self, rng: np.random.Generator) -> ComplexArray:
        """The set with other noise."""
        return np.asarray(self.recorded + self.sample_sd * rng.standard_normal((self.recorded.size, 2)).view(complex)[:, 0])


def sample_noise_sd(fid: ComplexArray) -> float:
    """Standard deviation of the real part of a sample's noise, from the last quarter of the FID."""
    tail = fid[-fid.size // 4 :]
    return float(np.sqrt(np.mean(np.abs(tail - tail.mean()) ** 2) / 2))


def oracle(challenge: Challenge, number: int) -> Oracle:
    """Phases, shift, widths, scale and macromolecules of a set, with the true ratios of the metabolites.

    Least squares over the fitted range: free are zero- and first-order phase, shift, both widths, shift and widths of the macromolecules,
    the scales of all metabolites and of the macromolecules, and the first sample.
    """
    names, fid = challenge.basis.metabolites, challenge.data(number)
    amplitudes = np.array([challenge.truths[number].get(name, 0.0) for name in names[:-1]])
    parts = np.stack([amplitudes @ challenge.basis.fids[:-1], challenge.basis.fids[-1]])
    search = _Search(parts=parts, fid=fid, acquisition=challenge.basis.acquisition)
    theta = search.solved()
    envelopes, (scales, rest) = search.envelopes(theta), search.solution(theta)
    truth = Truth(
        names=names[:-1],
        amplitudes=amplitudes * scales[0],
        metabolites=challenge.basis.fids[:-1] * envelopes[0],
        broad_amplitudes=scales[1:2],
        broad=challenge.basis.fids[-1:] * envelopes[1],
        others=np.zeros((0, fid.size), dtype=complex),
        baseline=np.zeros(fid.size, dtype=complex),
        gaussian_hz=float(np.sqrt(theta[2])),
        acquisition=challenge.basis.acquisition,
    )
    sd = sample_noise_sd(fid)
    misfit = float(np.sqrt(np.mean(np.abs(rest) ** 2) / 2)) / (sd * np.sqrt(fid.size))
    return Oracle(truth=truth, recorded=search.recorded(theta, scales), sample_sd=sd, misfit=misfit)


@dataclass(frozen=True, kw_only=True)
class _Search:
    """Non-linear unknowns, in this order: `START`."""

    parts: ComplexArray
    fid: ComplexArray
    acquisition: Acquisition

    #: Shift (Hz), Lorentzian width (Hz), square of the Gaussian width (Hz^2), phase (rad), delay (ms), shift (Hz) and both further widths
    #: of the macromolecules; starts, limits and scales.
    START: ClassVar = (0.0, 3.0, 10.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    LOW: ClassVar = (-60.0, 0.0, 0.0, -10.0, -2.0, -6.0, -6.0, -40.0)
    HIGH: ClassVar = (60.0, 40.0, 1600.0, 10.0, 2.0, 6.0, 20.0, 400.0)
    SCALE: ClassVar = (1.0, 1.0, 10.0, 0.1, 0.1, 1.0, 1.0, 10.0)

    def envelopes(self, theta: FloatArray) -> ComplexArray:
        """Factors of the FIDs of metabolites and of macromolecules, upright and at their place."""
        time = self.acquisition.time_s
        common = -np.pi * theta[1] * time - GAUSSIAN * theta[2] * time**2
        own = 2j * np.pi * theta[5] * time - np.pi * theta[6] * time - GAUSSIAN * theta[7] * time**2
        return np.exp(np.stack([common, common + own]))

    def _placed(self, theta: FloatArray) -> ComplexArray:
        """Spectra, unshifted, of both parts as recorded with a complete first sample, shape (2, n_points)."""
        sampling = self.acquisition
        fids = self.parts * self.envelopes(theta) * np.exp(2j * np.pi * theta[0] * sampling.time_s)
        frequency = np.fft.fftfreq(sampling.n_points, sampling.dwell_time_s)
        return np.asarray(np.fft.fft(fids, axis=-1) * np.exp(1j * (theta[3] + 2e-3 * np.pi * frequency * theta[4])))

    def solution(self, theta: FloatArray) -> tuple[FloatArray, ComplexArray]:
        """Scales (both parts, real and imaginary part of what the first sample has besides), and the residual on the fitted points."""
        points = fitted_points(self.acquisition)
        constant = np.ones((1, points.size))
        columns = np.concatenate([self._placed(theta)[:, points], constant, 1j * constant]).T
        data = np.fft.fft(self.fid)[points]
        stacked = np.concatenate([columns.real, columns.imag]), np.concatenate([data.real, data.imag])
        scales = np.linalg.lstsq(*stacked, rcond=None)[0]
        return scales, np.asarray(data - columns @ scales)

    def recorded(self, theta: FloatArray, scales: FloatArray) -> ComplexArray:
        """The FID of a solution."""
        fid = np.fft.ifft(scales[:2] @ self._placed(theta))
        fid[0] += scales[2] + 1j * scales[3]
        return fid

    def solved(self) -> FloatArray:
        """Unknowns of least squares, the best of searches from several shifts and phases."""

        def stacked(theta: FloatArray) -> FloatArray:
            rest = self.solution(theta)[1]
            return np.concatenate([rest.real, rest.imag])

        turns = [(shift_hz, phase_rad) for shift_hz in (-12.0, -4.0, 0.0, 4.0, 12.0) for phase_rad in (-0.8, 0.0, 0.8)]
        starts = [np.add(self.START, [shift_hz, 0, 0, phase_rad, 0, 0, 0, 0]) for shift_hz, phase_rad in turns]
        costs = [float(np.sum(stacked(start) ** 2)) for start in starts]
        best = [starts[index] for index in np.argsort(costs)[:3]]
        found = [scipy.optimize.least_squares(stacked, start, bounds=(self.LOW, self.HIGH), x_scale=self.SCALE) for start in best]
        theta = np.asarray(min(found, key=lambda result: result.cost).x)
        theta[3] += np.pi * (self.solution(theta)[0][0] < 0)  # upside down: half a turn more
        return theta
