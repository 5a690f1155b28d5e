"""Draws of macromolecules and lipids for the arms of the Monte Carlo benchmark."""

import numpy as np
from brain_spectra import BroadSignals

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray
from mrs_pipeline.basis.macromolecules import GaussianLine, macromolecule_basis, macromolecule_data

DEFAULT_BROAD = (
    "MM09", "MM12", "MM14", "MM17", "MM201", "MM209", "MM225", "MM26", "MM30", "MM31", "MM37", "MM38", "MM40",
    "Lip09", "Lip13a", "Lip13b", "Lip20",
)  # fmt: skip
#: Ranges of the amplitudes of macromolecules over MM09, from MM12 to MM40.
RATIOS = np.array([
    (0.1, 0.7), (0.3, 1.2), (0.05, 0.6), (0.5, 1.3), (0.6, 1.6), (0.3, 1.2),
    (0.0, 1.5), (0.5, 1.6), (0.3, 1.4), (0.4, 1.2), (0.0, 1.5), (0.4, 1.2),
])  # fmt: skip


def moved(fids: ComplexArray, rng: np.random.Generator, *, acquisition: Acquisition, shift_ppm: float, width_hz: float) -> ComplexArray:
    """Components moved by up to `shift_ppm` and broadened by up to `width_hz`."""
    shift_hz = acquisition.spectrometer_frequency_mhz * rng.uniform(-shift_ppm, shift_ppm, (len(fids), 1))
    return np.asarray(fids * np.exp((2j * shift_hz - rng.uniform(0.0, width_hz, (len(fids), 1))) * np.pi * acquisition.time_s))


def uniform_sds(shift_ppm: float, width_hz: float) -> tuple[float, float]:
    """Standard deviations of the draws of `moved`."""
    return shift_ppm / 3**0.5, width_hz / 12**0.5


def parametrised(acquisition: Acquisition) -> BroadSignals:
    """The default components, with amplitudes of wide ranges."""
    fids = macromolecule_basis(names=DEFAULT_BROAD, acquisition=acquisition).fids

    def draw(rng: np.random.Generator) -> tuple[ComplexArray, FloatArray]:
        level = rng.uniform(2.5, 6.0)
        ratios = np.array([1.0, *rng.uniform(*RATIOS.T)])
        lipids = rng.uniform(0.0, 2.0, 2) * (rng.random() < 0.5)
        others = lipids.sum() * rng.uniform([0.1, 0.0], [0.6, 0.3])
        return moved(fids, rng, acquisition=acquisition, shift_ppm=0.01, width_hz=4.0), np.array(
            [*(level * ratios), others[0], *lipids, others[1]]
        )

    return draw


def published_lines() -> tuple[GaussianLine, ...]:
    """The 13 lines of Birch et al. 2017, three protons at 0.9 ppm."""
    lines = macromolecule_data()["measured_3t"]
    scale = 3.0 / lines[0]["area"]
    return tuple(
        GaussianLine(shift_ppm=line["shift_ppm"], fwhm_ppm=line["fwhm_hz_at_128_mhz"] / 128.0, area=scale * line["area"]) for line in lines
    )


def varied_lines(
    lines: tuple[GaussianLine, ...], acquisition: Acquisition, *, lorentzian_hz: float = 0.0, sds: tuple[float, float, float]
) -> BroadSignals:
    """Lines whose area (log), width (log) and position (ppm) vary with these standard deviations, and a lipid of two lines."""

    def draw(rng: np.random.Generator) -> tuple[ComplexArray, FloatArray]:
        area, width, position = np.array(sds)[:, None] * rng.standard_normal((3, len(lines)))
        found = [
            GaussianLine(shift_ppm=line.shift_ppm + position[k], fwhm_ppm=line.fwhm_ppm * np.exp(width[k]), area=line.area)
            for k, line in enumerate(lines)
        ]
        sizes = rng.uniform(2.5, 6.0) * np.exp(area)
        lipid_widths = rng.uniform(18.0, 35.0, 2) / acquisition.spectrometer_frequency_mhz
        found += [
            GaussianLine(shift_ppm=ppm + rng.uniform(-0.02, 0.02), fwhm_ppm=w, area=2.0)
            for ppm, w in zip((1.29, 0.9), lipid_widths, strict=True)
        ]
        lipids = (rng.random() < 0.5) * rng.uniform(0.0, 4.0) * np.array([1.0, rng.uniform(0.1, 0.6)])
        decay = np.exp(-np.pi * lorentzian_hz * acquisition.time_s)
        return np.array([line.fid(acquisition) for line in found]) * decay, np.concatenate([sizes, lipids])

    return draw


def one_profile(profile: ComplexArray, acquisition: Acquisition) -> BroadSignals:
    """One component, hardly changed."""

    def draw(rng: np.random.Generator) -> tuple[ComplexArray, FloatArray]:
        return moved(profile[None], rng, acquisition=acquisition, shift_ppm=0.004, width_hz=2.0), rng.uniform(2.5, 6.0, 1)

    return draw


def without_lipid(broad: BroadSignals) -> BroadSignals:
    """The same without the last two lines."""

    def draw(rng: np.random.Generator) -> tuple[ComplexArray, FloatArray]:
        fids, amplitudes = broad(rng)
        return fids[:-2], amplitudes[:-2]

    return draw


def with_lipid(profile: ComplexArray, acquisition: Acquisition) -> BroadSignals:
    """One profile, shape (1, n_points), 0.65 to 1.35 of its size, and lipid of three built-in components in half of the draws."""
    fids = np.vstack([profile, macromolecule_basis(names=("Lip09", "Lip13a", "Lip13b"), acquisition=acquisition).fids])

    def draw(rng: np.random.Generator) -> tuple[ComplexArray, FloatArray]:
        lipids = rng.uniform(0.0, 2.0, 2) * (rng.random() < 0.5)
        return fids, np.array([rng.uniform(0.65, 1.35), rng.uniform(0.1, 0.6) * lipids.sum(), *lipids])

    return draw
