"""Time of one fit, of a spectrum in a batch, of starting the command, and where the time of a fit goes; one core.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/fitting/speed.py

Spectra of the arm `right` of `monte_carlo.py` (signal-to-noise ratio 40, 6 Hz; 21 metabolites, the default macromolecules and lipids,
2048 points). "cold": each spectrum by itself, preparation of the fitter apart. "batch": 100 noisy windows of one session (same truth;
shift, phase and noise differ a little) by `fit_spectra`, as they come and as windows are fitted in a study: with the stiffness and from
the parameters of the fit of their mean. These are times of the processor, so that neighbours matter less. Starting times are of new
processes: the help of `mrs-pipeline fit`, and the command on a file of one spectrum and a basis set in a file. The profile lists
functions by cumulative share of the cold fits.
"""

import argparse
import cProfile
import os
import pstats
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from arms import Arm, arms, own_metabolites
from measures import options_from

from mrs_pipeline.acquisition import ComplexArray
from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.fit import Fitter, fit_spectra, fit_spectrum
from mrs_pipeline.fitting.session import fit_windows
from mrs_pipeline.io.basis_files import write_basis
from mrs_pipeline.io.nifti_mrs import write_fids

SNR, FWHM_HZ = 40.0, 6.0


def cold_ms(member: Arm, fitter: Fitter, *, n: int) -> list[float]:
    """Times of fits of different truths."""
    rng, times = np.random.default_rng(1), []
    for _ in range(n):
        fid = member.source.draw(rng, snr=SNR, fwhm_hz=FWHM_HZ).fid
        begin = time.process_time()
        fit_spectrum(fid, fitter=fitter)
        times.append(1e3 * (time.process_time() - begin))
    return times


def windows(member: Arm, *, n: int) -> ComplexArray:
    """Windows of one session, (n, n_points): shift 0.5 Hz and phase 5 degrees apart (SD)."""
    rng = np.random.default_rng(2)
    draw, time_s = member.source.draw(rng, snr=1e6, fwhm_hz=FWHM_HZ), member.source.acquisition.time_s
    turns = np.exp(2j * np.pi * 0.5 * rng.standard_normal((n, 1)) * time_s + 1j * np.deg2rad(5.0) * rng.standard_normal((n, 1)))
    sd = 1e6 * draw.noise_sd / SNR / np.sqrt(time_s.size)
    noise = sd * (rng.standard_normal((n, time_s.size)) + 1j * rng.standard_normal((n, time_s.size)))
    return np.asarray(draw.fid * turns + noise)


def batch_ms(member: Arm, fitter: Fitter, *, n: int = 100) -> dict[str, float]:
    """Time per spectrum of a batch, as it comes and as windows of a session."""
    data = windows(member, n=n)
    fids = Fids(data=data, dims=("window", "time"), acquisition=member.source.acquisition)
    begin = time.process_time()
    fit_spectra(fids, fitter=fitter)
    alone = time.process_time()
    fit_windows(fids, counts=np.ones(n), fitter=fitter)
    return {"as they come": 1e3 * (alone - begin) / n, "windows of a session": 1e3 * (time.process_time() - alone) / n}


def command_s(arguments: list[str], *, n: int = 3, out: Path | None = None) -> tuple[float, float]:
    """Median time of a new process of the command by the clock and of the processor; the folder it writes is removed each time."""
    times = []
    for _ in range(n):
        begin, used = time.perf_counter(), _children_s()
        subprocess.run([sys.executable, "-m", "mrs_pipeline.cli", *arguments], check=True, capture_output=True)  # noqa: S603  this package
        times.append((time.perf_counter() - begin, _children_s() - used))
        if out is not None:
            shutil.rmtree(out)
    clock, processor = np.median(times, axis=0)
    return float(clock), float(processor)


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def start_s(member: Arm) -> dict[str, tuple[float, float]]:
    """Times of the command's help and of a fit of one spectrum from files."""
    with tempfile.TemporaryDirectory() as name:
        folder, acquisition = Path(name), member.source.acquisition
        fid = member.source.draw(np.random.default_rng(3), snr=SNR, fwhm_hz=FWHM_HZ).fid
        write_fids(Fids(data=fid, dims=("time",), acquisition=acquisition), folder / "svs.nii.gz")
        write_basis(own_metabolites(acquisition), folder / "basis.npz")
        files = ["--basis", str(folder / "basis.npz"), "--out", str(folder / "out")]
        fitting = ["fit", str(folder / "svs.nii.gz"), *files]
        return {"fit --help": command_s(["fit", "--help"]), "fit of one file": command_s(fitting, out=folder / "out")}


def profile(member: Arm, fitter: Fitter, *, n: int, n_lines: int) -> None:
    """Print the functions in which fits spend their time."""
    rng = np.random.default_rng(1)
    fids = [member.source.draw(rng, snr=SNR, fwhm_hz=FWHM_HZ).fid for _ in range(n)]
    profiler = cProfile.Profile()
    profiler.enable()
    for fid in fids:
        fit_spectrum(fid, fitter=fitter)
    profiler.disable()
    stats = pstats.Stats(profiler)
    total = stats.total_tt  # type: ignore[attr-defined]
    print(f"\n{'cumulative %':>12}{'own %':>8}{'calls a fit':>13}  function")
    entries = sorted(stats.stats.items(), key=lambda item: -item[1][3])  # type: ignore[attr-defined]
    for (file, _, function), (_, calls, own, cumulative, _) in entries[:n_lines]:
        print(f"{100 * cumulative / total:12.1f}{100 * own / total:8.1f}{calls / n:13.1f}  {Path(file).stem}.{function}")


def main() -> None:
    if os.environ.get("OMP_NUM_THREADS") != "1":
        raise SystemExit("set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1: threads would only wait for each other")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fits", type=int, default=100)
    parser.add_argument("--options", nargs="*", default=[], metavar="KEY=VALUE", help="options of the fit that differ from the defaults")
    parser.add_argument("--lines", type=int, default=30, help="lines of the profile")
    given = parser.parse_args()
    for member in arms("right"):
        acquisition = member.source.acquisition
        begin = time.process_time()
        fitter = member.fitter(options_from(given.options))
        prepared_ms = 1e3 * (time.process_time() - begin)
        times = cold_ms(member, fitter, n=given.fits)
        batch = ", ".join(f"{name} {value:.1f}" for name, value in batch_ms(member, fitter).items())
        print(
            f"{acquisition.spectrometer_frequency_mhz:g} MHz, {acquisition.spectral_width_hz:g} Hz: prepare {prepared_ms:.0f} ms, "
            f"cold {np.median(times):.1f} ms (95 % below {np.quantile(times, 0.95):.1f}), batch of 100: {batch} ms a spectrum"
        )
    for name, (clock, processor) in start_s(member).items():
        print(f"mrs-pipeline {name}: {clock:.2f} s by the clock, {processor:.2f} s of the processor")
    profile(member, fitter, n=given.fits, n_lines=given.lines)


if __name__ == "__main__":
    main()
