"""Ideal and slice-selective pulses against basis sets that other programs simulated with real waveforms, as a table.

    python benchmarks/basis_pulses.py --data ../shared/data

The sets: GE PRESS TE 30 ms of MARSS (real waveforms, 128^3 positions) and GE PRESS TE 35 ms of Osprey. Every spectrum is broadened to
4 Hz beyond the other set's own width and compared over 0.3 to 4.4 ppm at the best common shift. Columns: correlation, and norm of
theirs over ours relative to creatine (1 means that amplitudes would agree). "closed" is the share of the misfit (1 - correlation) of
ideal pulses that slice-selective ones remove.
"""

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray, spectrum_from_fid
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.pulse_sets import slice_selection
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.io.basis_files import read_basis
from mrs_pipeline.io.stated import Stated

RANGE_PPM = (0.3, 4.4)
BROADENING_HZ = 4.0
METABOLITES = ("Ala", "Asc", "Asp", "Cr", "GABA", "Glc", "Gln", "Glu", "GPC", "GSH", "Ins", "Lac", "NAA", "NAAG", "PCh", "PE", "Tau")
#: Equal echoes; the pulses that come nearest to what each set was simulated with.
SETS = {
    "MARSS": ("basis/marss_press_ge_te30_4000hz_2048", 0.015, "ge_press"),
    "Osprey": ("basis/osprey_3T_PRESS_GE_35ms_noMM.BASIS", 0.015, "press"),
}
MARSS_SAMPLING = Stated(spectrometer_frequency_mhz=127.7262, spectral_width_hz=4000.0, echo_time_s=0.030)


def reference_set(data: Path, name: str) -> BasisSet:
    """One of the other programs' sets."""
    path = data / SETS[name][0]
    return read_basis(path, stated=MARSS_SAMPLING) if path.is_dir() else read_basis(path)


def agreement(theirs: ComplexArray, ours: ComplexArray, *, sampling: Acquisition, own_hz: float) -> tuple[float, float]:
    """Best correlation over common shifts within +-1 Hz, and the ratio of norms there."""
    inside = (sampling.ppm > RANGE_PPM[0]) & (sampling.ppm < RANGE_PPM[1])
    reference = spectrum_from_fid(theirs * np.exp(-np.pi * BROADENING_HZ * sampling.time_s))[inside]
    broadened = ours * np.exp(-np.pi * (BROADENING_HZ + own_hz) * sampling.time_s)
    best = (0.0, 0.0)
    for shift_hz in np.linspace(-1, 1, 21):
        trial = spectrum_from_fid(broadened * np.exp(2j * np.pi * shift_hz * sampling.time_s))[inside]
        norms = np.linalg.norm(trial), np.linalg.norm(reference)
        correlation = abs(np.vdot(trial, reference)) / norms[0] / norms[1]
        best = max(best, (float(correlation), float(norms[1] / norms[0])))
    return best


def compared(theirs: BasisSet, *, echo_time_1_s: float, pulses: str, metabolites: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """Correlation and norm ratio relative to creatine of every metabolite."""
    names = tuple(name for name in dict.fromkeys(("Cr", *metabolites)) if name in theirs.metabolites)
    sampling = replace(theirs.acquisition, n_points=min(theirs.acquisition.n_points, 4096))
    ours = simulate_basis(
        sequence="press", metabolites=names, acquisition=sampling, echo_time_1_s=echo_time_1_s, selection=slice_selection(pulses)
    )
    found = {
        name: agreement(fid[: sampling.n_points], own, sampling=sampling, own_hz=theirs.linewidth_hz)
        for name, fid, own in zip(names, theirs.select(names).fids, ours.fids, strict=True)
    }
    return {name: (correlation, ratio / found["Cr"][1]) for name, (correlation, ratio) in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MRS_EXTERNAL_DATA", "../shared/data")))
    data = parser.parse_args().data
    for name, (_, echo_time_1_s, pulses) in SETS.items():
        theirs, start = reference_set(data, name), time.perf_counter()
        settings = {"echo_time_1_s": echo_time_1_s, "metabolites": METABOLITES}
        ideal, shaped = (compared(theirs, pulses=choice, **settings) for choice in ("ideal", pulses))
        print(f"{name}: ideal | {pulses}, TE1 {1e3 * echo_time_1_s:g} ms ({time.perf_counter() - start:.0f} s)")
        print("           corr   ratio    corr   ratio  closed")
        for metabolite in ideal:
            closed = 1 - (1 - shaped[metabolite][0]) / (1 - ideal[metabolite][0])
            first, second = ("{:8.4f} {:6.3f}".format(*values[metabolite]) for values in (ideal, shaped))
            print(f"{metabolite:6}{first} {second} {100 * closed:6.0f} %")


if __name__ == "__main__":
    main()
