"""Measured transients of a human brain at 7 T: the chain against simple averaging after an alignment by hand.

    python benchmarks/preprocessing/measured.py --data ../shared/data --figures figures

By hand: frequency and phase of the tallest point near NAA in each zero-filled transient are taken out, one after another, as the data
are or with a line broadening of 16 Hz (the width of NAA) while looking. Lining up tallest points lines up the noise at the top of NAA too:
the height of the average gains the mean of that noise, which is no signal. So `snr_matched` is what counts: height over noise after that
broadening. All averages have the same coil weights and eddy-current correction, and the same steps after alignment and rejection.
`width_hz`, `snr`: of NAA, zero-filled 32 times; noise is that of differences between successive transients late in the FID.
"""

import argparse
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mrs_pipeline.acquisition import Acquisition, ComplexArray
from mrs_pipeline.io.nifti_mrs import read_fids
from mrs_pipeline.preprocessing.session import Session
from mrs_pipeline.preprocessing.steps import DEFAULT_STEPS, preprocess

NAME = "siemens7t_steam_raw"


def session_of(folder: Path) -> Session:
    """The raw transients with their water reference."""
    fids, reference = (read_fids(folder / "real" / f"{NAME}{suffix}.nii.gz") for suffix in ("", "_wref"))
    n = fids.sizes["transient"]
    table = pd.DataFrame({"transient": np.arange(n), "run": 0, "time_s": 5.0 * np.arange(n)})
    return Session(fids=fids, reference=reference, transients=table)


def near_naa(fid: ComplexArray, acquisition: Acquisition) -> tuple[float, complex, ComplexArray, np.ndarray]:
    """Frequency (Hz) and value of the tallest point near 2.01 ppm, the zero-filled spectrum, and its axis (Hz)."""
    n = 32 * acquisition.n_points
    spectrum = np.fft.fftshift(np.fft.fft(fid, n))
    frequency = np.fft.fftshift(np.fft.fftfreq(n, acquisition.dwell_time_s))
    ppm = 4.65 - frequency / acquisition.spectrometer_frequency_mhz
    near = np.flatnonzero((ppm > 1.85) & (ppm < 2.15))
    top = near[np.argmax(np.abs(spectrum[near]))]
    return float(frequency[top]), complex(spectrum[top]), spectrum, frequency


def broadened(fids: ComplexArray, acquisition: Acquisition, width_hz: float = 16.0) -> ComplexArray:
    """FIDs with a line broadening."""
    return np.asarray(fids * np.exp(-np.pi * width_hz * acquisition.time_s))


def aligned_by_hand(fids: ComplexArray, acquisition: Acquisition, *, width_hz: float) -> ComplexArray:
    """Transients with their NAA lines at one frequency and phase, those of the mean, as seen with a line broadening."""
    wanted = near_naa(broadened(fids, acquisition, width_hz).mean(axis=0), acquisition)
    turned = []
    for fid in fids:
        hz, value, _, _ = near_naa(broadened(fid, acquisition, width_hz), acquisition)
        turn = np.exp(1j * (np.angle(wanted[1]) - np.angle(value)))
        turned.append(fid * turn * np.exp(2j * np.pi * (wanted[0] - hz) * acquisition.time_s))
    return np.stack(turned)


def finished(session: Session, fids: ComplexArray) -> ComplexArray:
    """Transients after the steps that follow alignment and rejection."""
    return preprocess(replace(session, fids=session.fids.with_data(fids)), steps=DEFAULT_STEPS[4:]).fids.data


def width_and_snr(fids: ComplexArray, acquisition: Acquisition) -> dict[str, float]:
    """Full width at half maximum (Hz) and height over noise of NAA in the mean of transients, plain and with a matched filter."""
    hz, value, spectrum, frequency = near_naa(fids.mean(axis=0), acquisition)
    late = np.diff(fids[:, -acquisition.n_points // 4 :], axis=0)
    sample = np.sqrt(np.mean(np.abs(late) ** 2) / 4 / len(fids))
    noise = sample * np.sqrt(acquisition.n_points)
    matched = abs(near_naa(broadened(fids.mean(axis=0), acquisition), acquisition)[1])
    filtered_noise = sample * np.linalg.norm(broadened(np.ones(acquisition.n_points, dtype=complex), acquisition))
    upright, top = (spectrum / (value / abs(value))).real, int(np.argmin(np.abs(frequency - hz)))
    below = np.flatnonzero(upright < upright[top] / 2)
    right, left = below[below > top][0], below[below < top][-1]
    edges = [
        np.interp(upright[top] / 2, upright[[out, out - step]], frequency[[out, out - step]]) for out, step in ((right, 1), (left, -1))
    ]
    return {"width_hz": float(edges[0] - edges[1]), "snr": float(abs(value) / noise), "snr_matched": float(matched / filtered_noise)}


def draw(averages: dict[str, ComplexArray], transients: pd.DataFrame, session: Session, out: Path) -> None:
    """Spectra of the averages, and frequency and phase found."""
    acquisition = session.fids.acquisition
    figure = Figure(figsize=(9, 11))
    axes = figure.subplots(3, 1)
    for name, fid in averages.items():
        spectrum = np.fft.fftshift(np.fft.fft(fid))
        for axis in axes[:2]:
            axis.plot(acquisition.ppm, spectrum.real, label=name, linewidth=0.8)
    axes[0].set_xlim(4.9, 0.2)
    axes[1].set_xlim(2.3, 1.8)
    axes[0].legend()
    axes[2].plot(transients["frequency_shift_hz"], "o-", label="frequency (Hz)")
    axes[2].plot(np.degrees(transients["phase_rad"]) / 10, "s-", label="phase (10 degrees)")
    axes[2].legend()
    out.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / f"{NAME}.png", dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MRS_EXTERNAL_DATA", "../shared/data")))
    parser.add_argument("--figures", type=Path)
    args = parser.parse_args()
    session = session_of(args.data)
    acquisition = session.fids.acquisition
    plain = preprocess(session, steps=DEFAULT_STEPS[:2])
    done = preprocess(session, steps=DEFAULT_STEPS)
    by_hand = {width: aligned_by_hand(plain.fids.data, acquisition, width_hz=width) for width in (0.0, 16.0)}
    sets = {
        "plain average": finished(plain, plain.fids.data),
        "by hand": finished(plain, by_hand[0.0]),
        "by hand, broadened": finished(plain, by_hand[16.0]),
        "chain": done.fids.data[done.kept],
    }
    rows = [{"average": name, "n": len(data)} | width_and_snr(data, acquisition) for name, data in sets.items()]
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.2f"))
    for record in done.records:
        print(f"{record.step}: {record.details}")
    if args.figures:
        draw({name: data.mean(axis=0) for name, data in sets.items()}, done.transients, session, args.figures)


if __name__ == "__main__":
    main()
