"""Laws of tissue, relaxation, hardware and contamination, read from raw data by code that shares nothing with the generator.

Where two studies of one seed differ in one thing, the difference of their raw data is that thing and rounding.
"""

import numpy as np
import pytest

from mrs_pipeline.synthetic.plan import study_plan
from mrs_pipeline.synthetic.signals import session_signals

SF_MHZ = 127.7
WIDTH_HZ = 2000.0
STRONG = {"single_transient_snr": 300, "noise_sd_units": 20}
SHORT = {"baseline_s": 6, "recorded_infusion_s": 6}
FLAT = {"plateau_percent": 0, "contrast_percent": 0}
SINGLETS = {
    "concentrations_mmol_per_l": {"NAA": 9.3, "Cr": 8.0},
    "white_matter_ratio": {},
    "numerator": ["Cr"],
    "denominator": ["NAA"],
}


def recorded(description, *, seed=11, session="1"):
    return session_signals(study_plan(description, seed=seed), participant="01", session=session).runs[0]


def combined(data, *, like):
    """Coils added in phase, weighted by the water reference."""
    weights = like[:, :, 1:5].mean(axis=(1, 2))
    return np.einsum("c,ctn->tn", weights.conj(), data) / np.sum(np.abs(weights) ** 2)


def times(n_points=512):
    return np.arange(n_points) / WIDTH_HZ


def height(fid, ppm):
    """Real height of a phased line at a shift."""
    return float((fid * np.exp(-2j * np.pi * (4.65 - ppm) * SF_MHZ * times(len(fid)))).sum().real)


def singlet_ratio(quiet, **changes):
    """Cr (3.027 ppm) over NAA (2.008 ppm), and NAA over the water reference."""
    run = recorded(quiet(levels=SINGLETS, response=FLAT, **{"receiver": STRONG, **changes}))
    fid = combined(run.svs.data, like=run.reference.data).mean(axis=0)
    water = combined(run.reference.data, like=run.reference.data).mean(axis=0).sum().real
    return height(fid, 3.027) / height(fid, 2.008), height(fid, 2.008) / water


def relaxation(**changes):
    slow = {"metabolite_t1_s": {"default": [1e-6, 1e-6]}, "metabolite_t2_s": {"default": [1e6, 1e6]}}
    return {"relaxation": {**slow, **changes}}


def test_t2_leaves_exp_of_echo_time(quiet):
    fast = {"metabolite_t2_s": {"default": [1e6, 1e6], "Cr": [0.030, 0.030]}}
    ratio = singlet_ratio(quiet, **relaxation(**fast))[0] / singlet_ratio(quiet, **relaxation())[0]
    # The feet of the multiplets of NAA are 1 % of the line of creatine, 3 % of what is left of it.
    assert ratio == pytest.approx(np.exp(-1), rel=0.03)


def test_t1_leaves_what_recovers_in_a_repetition(quiet):
    slow = {"metabolite_t1_s": {"default": [1e-6, 1e-6], "Cr": [3.0, 3.0]}}
    ratio = singlet_ratio(quiet, **relaxation(**slow))[0] / singlet_ratio(quiet, **relaxation())[0]
    assert ratio == pytest.approx(1 - np.exp(-1), rel=0.01)


def test_tissues_add_by_their_volume_and_relaxation(quiet):
    """Grey .5, white .3: Cr decays in white matter only, to exp(-1), and is there at twice the level: (.5 + .3 x 2 / e) / .8."""
    voxel = {"grey_matter": 0.5, "csf": 0.2}
    plain = singlet_ratio(quiet, voxel=voxel, **relaxation())[0]
    white = {"metabolite_t2_s": {"default": [1e6, 1e6], "Cr": [1e6, 0.030]}}
    levels = {**SINGLETS, "white_matter_ratio": {"Cr": 2.0}}
    run = recorded(quiet(levels=levels, response=FLAT, receiver=STRONG, voxel=voxel, **relaxation(**white)))
    fid = combined(run.svs.data, like=run.reference.data).mean(axis=0)
    expected = (0.5 + 0.3 * 2 * np.exp(-1)) / 0.8
    assert height(fid, 3.027) / height(fid, 2.008) / plain == pytest.approx(expected, rel=0.01)


def test_metabolites_over_water_give_the_concentration_back(quiet):
    """Three protons of 9.3 mmol/L in 80 % of the voxel over two protons of the water of three compartments, without relaxation."""
    water = {"mmol_per_l": [43000, 36000, 54000], "residual_height": 0}
    slow = {"water_t1_s": [1e-6] * 3, "water_t2_s": [1e6] * 3}
    voxel = {"grey_matter": 0.5, "csf": 0.2}
    measured = singlet_ratio(quiet, voxel=voxel, water=water, **relaxation(**slow))[1]
    expected = 3 * 9.3 * 0.8 / (2 * (0.5 * 43000 + 0.3 * 36000 + 0.2 * 54000))
    # The multiplets of NAA lie far away; their feet are about 1 %.
    assert measured == pytest.approx(expected, rel=0.015)


def test_relaxation_of_water_is_in_the_reference(quiet):
    slow = {"water_t1_s": [1e-6] * 3, "water_t2_s": [1e6] * 3}
    fast = {"water_t1_s": [3.0] * 3, "water_t2_s": [0.030] * 3}
    ratio = singlet_ratio(quiet, **relaxation(**slow))[1] / singlet_ratio(quiet, **relaxation(**fast))[1]
    assert ratio == pytest.approx((1 - np.exp(-1)) * np.exp(-1), rel=0.01)


def test_a_dead_channel_holds_noise_only(quiet):
    run = recorded(quiet(receiver={"dead_channel_probability": 1}))
    water = np.abs(run.reference.data[:, :, :50].mean(axis=(1, 2)))
    dead = int(water.argmin())
    assert water[dead] < 1e-3 * np.median(water)
    assert abs(run.svs.data[dead].mean()) < 5 * run.svs.data[dead].std() / np.sqrt(run.svs.data[dead].size)


def test_a_gain_step_multiplies_noise_and_signal_alike(quiet):
    receiver = {"gain_step_probability": 1, "gain_step_percent": [50, 50], "noise_sd_units": 40}
    run = recorded(quiet(response=FLAT, receiver=receiver, acquisition={"n_points": 1024}))
    noise = run.svs.data[0, :, 800:].real.std(axis=1)
    step = int(np.abs(np.diff(np.log(noise))).argmax()) + 1
    factor = noise[step:].mean() / noise[:step].mean()
    assert abs(np.log(factor)) == pytest.approx(0.5, abs=0.05)
    fids = np.abs(combined(run.svs.data, like=run.reference.data)[:, :4]).mean(axis=1)
    assert fids[step:].mean() / fids[:step].mean() == pytest.approx(factor, rel=0.05)


def difference(quiet, changes, *, seed=11):
    """Combined transients with a contamination minus those without it, and the peak height of NAA in them."""
    base = {"levels": SINGLETS, "response": FLAT, "receiver": STRONG}
    without, with_it = (recorded(quiet(**{**base, **extra}), seed=seed) for extra in ({}, changes))
    pure, spoiled = (combined(run.svs.data, like=without.reference.data) for run in (without, with_it))
    return spoiled - pure, height(pure.mean(axis=0), 2.008)


def peak(fid):
    """Position (ppm), height and full width (Hz) of the highest point of the magnitude spectrum."""
    spectrum = np.abs(np.fft.fft(fid, 32768))
    top = int(spectrum.argmax())
    above = np.flatnonzero(np.roll(spectrum, 16384 - top) > spectrum[top] / 2)
    ppm = 4.65 - np.fft.fftfreq(32768, 1 / WIDTH_HZ)[top] / SF_MHZ
    return ppm, float(spectrum[top]), (above[-1] - above[0]) * WIDTH_HZ / 32768


def test_hump_has_its_place_width_and_height(quiet):
    """The magnitude of a Gaussian line that starts at time 0 is broader than its real part: 2.13 times at most."""
    hump = {"probability": 1, "position_ppm": [1.4, 1.4], "width_hz": [100, 100], "height": [0.2, 0.2]}
    added, naa = difference(quiet, {"broad_baseline": hump})
    fid = added.mean(axis=0)
    assert np.abs(added - fid).max() < 0.02 * np.abs(fid[:20]).max()
    # Its phase is free: at its frequency the sum of the samples is height times that phase.
    turned = fid * np.exp(-2j * np.pi * (4.65 - 1.4) * SF_MHZ * times())
    assert abs(turned.sum()) / naa == pytest.approx(0.2, rel=0.02)
    # Half width of a Gaussian decay: at t the envelope is exp(-(pi 100 t)^2 / (4 ln 2)).
    assert np.abs(fid[8]) / np.abs(fid[0]) == pytest.approx(np.exp(-((np.pi * 100 * 8 / WIDTH_HZ) ** 2) / (4 * np.log(2))), rel=0.03)


def test_unwanted_echo_appears_at_its_time(quiet):
    echo = {"probability": 1, "time_s": [0.06, 0.06], "duration_s": [0.01, 0.01], "position_ppm": [3.0, 3.0], "height": [0.3, 0.3]}
    added, naa = difference(quiet, {"spurious_echo": {**echo, "phase_walk_deg": 20}})
    envelope = np.abs(added).mean(axis=0)
    assert times()[envelope.argmax()] == pytest.approx(0.06, abs=0.003)
    assert envelope[0] < 0.02 * envelope.max()
    ppm, top, _ = peak(added[0])
    assert ppm == pytest.approx(3.0, abs=0.03)
    assert top / naa == pytest.approx(0.3, rel=0.05)
    steps = np.angle((added[1:] * added[:-1].conj())[:, 100:140].sum(axis=1))
    assert np.rad2deg(steps.std()) == pytest.approx(20, rel=0.4)  # 63 steps: 4.5 standard errors


def test_lipid_of_a_visit_varies_between_transients(quiet):
    lipids = {"probability": 1, "level_relative_to_tcr": [0.5, 0.5], "jitter_percent": 20}
    added, _ = difference(quiet, {"lipids": lipids})
    ppm, _, _ = peak(added.mean(axis=0))
    assert ppm == pytest.approx(1.28, abs=0.02)
    sizes = np.abs(added[:, 2:30]).mean(axis=1)
    assert sizes.std(ddof=1) / sizes.mean() == pytest.approx(0.2, rel=4.5 / np.sqrt(2 * 63))


def test_macromolecules_are_a_profile_of_each_persons_own(quiet):
    """The lines at 0.90 and 3.96 ppm lie apart: their ratio varies by the SD of two factors."""
    macro = {"level_mmol_per_l": 10, "participant_sd_percent": 0, "line_sd_percent": 15}
    base = {"design": {"n_participants": 60}, "timing": SHORT, "levels": SINGLETS, "response": FLAT, "receiver": STRONG}
    description, pure = quiet(**base, macromolecules=macro), quiet(**base)
    plans, logs = [study_plan(item, seed=3) for item in (pure, description)], []
    for number in range(1, 61):
        runs = [session_signals(plan, participant=f"{number:02d}", session="1").runs[0] for plan in plans]
        fid = np.subtract(*(combined(run.svs.data, like=runs[0].reference.data).mean(axis=0) for run in runs[::-1]))
        logs.append(np.log(height(fid, 0.9) / height(fid, 3.96)))
    # Broad neighbours share in the line at 3.96 ppm, so that it varies a little less than by 15 %.
    assert 100 * np.std(logs, ddof=1) == pytest.approx(15 * np.sqrt(2), rel=0.35)
    assert np.mean(logs) == pytest.approx(np.log(0.72 / 21.2 * 37.5), abs=0.35)


def test_residual_water_of_several_lines_has_its_height(quiet):
    water = {"residual_height": 3.0, "residual_lines": 3, "residual_jitter_percent": 0, "residual_offset_ppm": [-0.1, 0.1]}
    heights = []
    for seed in range(5):
        added, naa = difference(quiet, {"water": water}, seed=seed)
        ppm, top, _ = peak(added.mean(axis=0))
        assert abs(ppm - 4.65) < 0.12
        heights.append(top / naa)
    assert heights == pytest.approx([3.0] * 5, rel=0.03)


def test_residual_water_jitters(quiet):
    water = {"residual_height": 3.0, "residual_jitter_percent": 15}
    added, _ = difference(quiet, {"water": water})
    sizes = np.abs(added[:, 1:40]).mean(axis=1)
    assert sizes.std(ddof=1) / sizes.mean() == pytest.approx(0.15, rel=4.5 / np.sqrt(2 * 63))


def test_eddy_currents_of_the_reference_differ_a_little(quiet):
    """One term: the phases of data and reference are proportional, with a factor about 1 whose SD is described."""
    eddy = {"n_terms": 1, "amplitude_deg": [40, 40], "time_constant_s": [0.02, 0.02], "reference_mismatch_percent": 10}
    description = quiet(design={"n_participants": 100}, timing=SHORT, levels=SINGLETS, response=FLAT, receiver=STRONG, eddy_current=eddy)
    plan = study_plan(description, seed=3)
    factors = []
    for number in range(1, 101):
        run = session_signals(plan, participant=f"{number:03d}", session="1").runs[0]
        water = combined(run.reference.data, like=run.reference.data).mean(axis=0)
        phase = np.unwrap(np.angle(water[:200]))
        shape = np.exp(-times()[:200] / 0.02)
        slope = np.polyfit(shape, phase, 1)[0]
        factors.append(abs(slope) / np.deg2rad(40))
    assert np.mean(factors) == pytest.approx(1.0, abs=0.045)
    assert np.std(factors, ddof=1) == pytest.approx(0.10, rel=4.5 / np.sqrt(200))


def test_lost_transients_are_not_in_the_data_and_the_others_keep_their_times(quiet):
    missing = {"gap_probability": 1, "gap_transients": [4, 4]}
    frequency = {"drift_hz_per_min": [2, 2]}
    for seed in range(4):
        run = recorded(quiet(levels=SINGLETS, missing=missing, frequency=frequency), seed=seed)
        assert (
            run.svs.sizes["transient"] == len(run.times_s) == 64 - round((189 - run.times_s[-1]) / 3) - (4 if run.times_s[-1] == 189 else 0)
        )
        steps = np.diff(run.times_s)
        assert set(steps.tolist()) <= {3.0, 15.0}


def lines_of_creatine(quiet, **lineshape):
    """Position (Hz) and full width (Hz) of creatine at 3.027 ppm and position of NAA, in one visit of each of 100 people."""
    base = {"design": {"n_participants": 100}, "timing": SHORT, "levels": SINGLETS, "response": FLAT, "receiver": STRONG}
    plan = study_plan(quiet(**base, lineshape=lineshape, acquisition={"n_points": 2048}), seed=3)
    found = []
    for number in range(1, 101):
        run = session_signals(plan, participant=f"{number:03d}", session="1").runs[0]
        fid = combined(run.svs.data, like=run.reference.data).mean(axis=0)
        spectrum, frequency_hz = np.fft.fft(fid, 2**17).real, np.fft.fftfreq(2**17, 1 / WIDTH_HZ)
        row = []
        for ppm in (3.027, 2.008):
            near = np.flatnonzero(np.abs(frequency_hz - (4.65 - ppm) * SF_MHZ) < 12)
            top = near[spectrum[near].argmax()]
            above = near[spectrum[near] > spectrum[top] / 2]
            row += [frequency_hz[top] - (4.65 - ppm) * SF_MHZ, (above[-1] - above[0]) * WIDTH_HZ / 2**17]
        found.append(row)
    return np.array(found).T


def test_metabolites_shift_about_their_place_and_naa_stays(quiet):
    creatine_hz, _, naa_hz, _ = lines_of_creatine(quiet, metabolite_shift_sd_ppm=0.01)
    assert creatine_hz.std(ddof=1) / SF_MHZ == pytest.approx(0.01, rel=4.5 / np.sqrt(200))
    assert np.abs(naa_hz).max() / SF_MHZ < 0.001


def test_metabolites_have_widths_of_their_own(quiet):
    """The width of a Voigt line grows by a part of what its Lorentzian part does."""
    _, creatine_hz, _, naa_hz = lines_of_creatine(quiet, metabolite_damping_sd_hz=0.5, linewidth_hz=6.0, lorentzian_hz=3.0)
    lorentzian = np.array([3.0, 3.1])
    gaussian = np.sqrt((6 - 0.5346 * 3) ** 2 - 0.2166 * 9)
    slope = np.diff(0.5346 * lorentzian + np.sqrt(0.2166 * lorentzian**2 + gaussian**2))[0] / 0.1
    assert creatine_hz.std(ddof=1) == pytest.approx(0.5 * slope, rel=4.5 / np.sqrt(200))
    assert naa_hz.std(ddof=1) < 0.05
