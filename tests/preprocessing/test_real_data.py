"""The whole chain on raw transients of a human brain at 7T."""

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.preprocessing.session import Session
from mrs_pipeline.preprocessing.steps import DEFAULT_STEPS, preprocess

pytestmark = pytest.mark.external_data


@pytest.fixture
def steam_7t(external_data):
    nifti_mrs = pytest.importorskip("mrs_pipeline.io.nifti_mrs")
    folder = external_data / "real"
    fids, reference = (nifti_mrs.read_fids(folder / f"siemens7t_steam_raw{suffix}.nii.gz") for suffix in ("", "_wref"))
    n = fids.sizes["transient"]
    table = pd.DataFrame({"transient": np.arange(n), "run": np.zeros(n, dtype=int), "time_s": 5.0 * np.arange(n)})
    return Session(fids=fids, reference=reference, transients=table)


def naa(fids, acquisition):
    """Shift (ppm), full width at half maximum (Hz) and height over the noise SD of NAA in a mean of transients, zero-filled 32 times.

    The noise is that of differences between successive transients late in the FID: the tail of the mean still holds stable signal.
    """
    fid = fids.mean(axis=0)
    late = np.diff(fids[:, -acquisition.n_points // 4 :], axis=0)
    noise = np.sqrt(np.mean(np.abs(late) ** 2) / 4 / len(fids) * acquisition.n_points)
    n = 32 * acquisition.n_points
    spectrum = np.fft.fftshift(np.fft.fft(fid, n))
    frequency = np.fft.fftshift(np.fft.fftfreq(n, acquisition.dwell_time_s))
    ppm = 4.65 - frequency / acquisition.spectrometer_frequency_mhz
    near = np.flatnonzero((ppm > 1.85) & (ppm < 2.15))
    top = near[np.argmax(np.abs(spectrum[near]))]
    upright = (spectrum * np.exp(-1j * np.angle(spectrum[top]))).real
    below = np.flatnonzero(upright < upright[top] / 2)
    width = frequency[below[below > top][0]] - frequency[below[below < top][-1]]
    return ppm[top], width, upright[top] / noise


def test_chain_is_no_worse_than_the_plain_average(steam_7t):
    plain = preprocess(steam_7t, steps=[{"step": "coil_combination"}])
    done = preprocess(steam_7t, steps=DEFAULT_STEPS)
    acquisition = steam_7t.fids.acquisition
    _, width_before, snr_before = naa(plain.fids.data, acquisition)
    shift, width, snr = naa(done.fids.data[done.kept], acquisition)
    assert width < width_before + 0.2
    assert snr > snr_before
    assert shift == pytest.approx(2.01, abs=0.02)
    assert done.records[-1].values["naa_found"]
    assert done.transients["aligned"].all()
    assert done.transients["rejected"].sum() <= 1


def aligned_by_hand(fids, acquisition, *, broadening_hz=16.0):
    """Transients with the tallest point of NAA at one frequency and phase, looked at with the line broadening of a matched filter."""
    n, seen = 32 * acquisition.n_points, np.exp(-np.pi * broadening_hz * acquisition.time_s)
    frequency = np.fft.fftfreq(n, acquisition.dwell_time_s)
    near = np.abs(4.65 - frequency / acquisition.spectrometer_frequency_mhz - 2.0) < 0.15
    spectra = np.fft.fft(fids * seen, n)[:, near]
    top = np.argmax(np.abs(spectra), axis=1)
    hz, phase = frequency[near][top], np.angle(spectra[np.arange(len(fids)), top])
    return fids * np.exp(-1j * phase[:, None] - 2j * np.pi * (hz - hz.mean())[:, None] * acquisition.time_s)


def test_chain_is_as_good_as_an_alignment_by_hand(steam_7t):
    """Both averages hold the same noise: their differences have SDs of 0.16 Hz and 0.4 % (jackknife over transients)."""
    acquisition = steam_7t.fids.acquisition
    plain = preprocess(steam_7t, steps=DEFAULT_STEPS[:2])
    done = preprocess(plain, steps=DEFAULT_STEPS[2:4])
    by_hand = aligned_by_hand(plain.fids.data, acquisition)
    _, width, snr = naa(done.fids.data[done.kept], acquisition)
    _, width_by_hand, snr_by_hand = naa(by_hand, acquisition)
    assert width < width_by_hand + 0.3
    assert snr > 0.99 * snr_by_hand


def test_weighted_combination_beats_the_best_coil(steam_7t):
    combined = preprocess(steam_7t, steps=[{"step": "coil_combination"}])
    acquisition = steam_7t.fids.acquisition
    snr = [naa(coil, acquisition)[2] for coil in steam_7t.fids.data]
    assert naa(combined.fids.data, acquisition)[2] > 1.2 * max(snr)


def test_reference_and_data_give_nearly_the_same_weights(steam_7t):
    by_reference, by_data = (
        preprocess(steam_7t, steps=[{"step": "coil_combination", "sensitivities": source}]).records[0].values["weights"]
        for source in ("reference", "data")
    )
    overlap = np.abs(np.vdot(by_reference, by_data)) / np.linalg.norm(by_reference) / np.linalg.norm(by_data)
    assert overlap > 0.95
