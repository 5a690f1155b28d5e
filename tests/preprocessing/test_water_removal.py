import numpy as np
import pytest

from mrs_pipeline.preprocessing.steps import preprocess
from mrs_pipeline.preprocessing.water_removal import hankel_subspace, hsvd_poles, remove_water

SHAPES = ("Lorentzian", "Gaussian", "two lines")


def water(brain, *, height, shape, offset_hz):
    """Water ``height`` times NAA, its line of one of three shapes."""
    time, width = brain.time_s, 9.0
    envelope = {
        "Lorentzian": np.exp(-np.pi * width * time),
        "Gaussian": np.exp(-((np.pi * width * time) ** 2) / (4 * np.log(2))),
        "two lines": 0.6 * np.exp(-np.pi * width * time) + 0.4j * np.exp((2j * np.pi * 6 - np.pi * 1.7 * width) * time),
    }[shape]
    signal = envelope * np.exp(2j * np.pi * offset_hz * time + 0.8j)
    return signal * height * brain.naa_height / np.abs(np.fft.fft(signal)).max()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("height", [0.1, 1.0, 5.0, 50.0])
@pytest.mark.parametrize("offset_hz", [0.0, 10.0, -12.0])
def test_water_goes_and_metabolites_stay(brain, rng, shape, height, offset_hz):
    """Bound: 0.5 to 4.0 ppm changes by less than 0.5 % of the NAA height (1 % for water of 50 times NAA), and by smooth tails only."""
    truth = brain.metabolites() + brain.noise(rng, brain.n_points, brain.noise_sd(150.0))
    with_water = truth + water(brain, height=height, shape=shape, offset_hz=offset_hz)
    cleaned = remove_water(brain.fids(with_water[None], ("window", "time")), options={}).data[0]
    difference = np.fft.fftshift(np.fft.fft(cleaned - truth)) / brain.naa_height
    change, inside = np.abs(difference), (brain.ppm > 0.5) & (brain.ppm < 4.0)
    assert change[inside].max() < (0.005 if height < 10 else 0.01)
    tails = (1.0 / (4.65 - brain.ppm[inside])[:, None]) ** np.arange(5)
    narrow = difference[inside] - tails @ np.linalg.lstsq(tails.astype(complex), difference[inside], rcond=None)[0]
    assert np.abs(narrow).max() < 2e-4
    assert change[(brain.ppm > 4.45) & (brain.ppm < 4.85)].max() < 0.05


def test_a_spectrum_without_water_is_left_alone(brain, rng):
    truth = brain.metabolites() + brain.noise(rng, brain.n_points, brain.noise_sd(150.0))
    cleaned = remove_water(brain.fids(truth[None], ("window", "time")), options={}).data[0]
    change = np.abs(np.fft.fftshift(np.fft.fft(cleaned - truth))) / brain.naa_height
    assert change[(brain.ppm > 0.5) & (brain.ppm < 4.0)].max() < 0.002


@pytest.mark.parametrize("height", [0.0, 3.0])
def test_a_broad_line_beside_water_is_no_water(brain, rng, height):
    """A macromolecule of 45 Hz at 4.42 ppm, whose flank reaches to 4.0 ppm, stays with water and without."""
    truth = (
        brain.metabolites() + brain.line(4.42, linewidth_hz=45.0, amplitude=3.0) + brain.noise(rng, brain.n_points, brain.noise_sd(150.0))
    )
    with_water = truth + water(brain, height=height, shape="Lorentzian", offset_hz=0.0)
    cleaned = remove_water(brain.fids(with_water[None], ("window", "time")), options={}).data[0]
    change = np.abs(np.fft.fftshift(np.fft.fft(cleaned - truth))) / brain.naa_height
    assert change[(brain.ppm > 0.5) & (brain.ppm < 4.0)].max() < 0.01


@pytest.mark.parametrize("n_points", [64, 101, 256])
def test_subspace_is_that_of_the_dense_hankel_matrix(rng, n_points):
    fid = rng.standard_normal(n_points) + 1j * rng.standard_normal(n_points)
    n_rows = n_points // 2
    dense = np.array([fid[i : i + n_points - n_rows + 1] for i in range(n_rows)])
    expected = np.linalg.svd(dense)[0][:, :5]
    found = hankel_subspace(fid, n_components=5)
    np.testing.assert_allclose(found @ found.conj().T, expected @ expected.conj().T, atol=1e-8)


def test_poles_of_known_exponentials(brain):
    poles = np.exp((2j * np.pi * np.array([12.0, -300.0, 337.0]) - np.pi * np.array([4.0, 9.0, 7.0])) / brain.width_hz)
    fid = (np.array([1.0, 3j, -2.0]) * poles ** np.arange(brain.n_points)[:, None]).sum(axis=1)
    found = hsvd_poles(fid, n_components=3)
    np.testing.assert_allclose(np.sort_complex(found), np.sort_complex(poles), atol=1e-9)


def test_removal_commutes_with_averaging(brain, rng):
    """With common poles the amplitudes are linear in the data: windows averaged afterwards are as clean as the transients were."""
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(24), snr=20.0, water=3.0)
    session = preprocess(brain.session(data), steps=[{"step": "water_removal"}])
    alone = remove_water(brain.fids(data.mean(axis=0)[None], ("window", "time")), options={}).data[0]
    np.testing.assert_allclose(session.fids.data.mean(axis=0), alone, atol=1e-3 * np.abs(alone).max())


def test_poles_of_each_follow_water_that_wanders(brain, rng):
    windows = np.stack(
        [
            brain.metabolites()
            + water(brain, height=5.0, shape="Lorentzian", offset_hz=offset)
            + brain.noise(rng, brain.n_points, brain.noise_sd(80.0))
            for offset in (-10.0, 0.0, 10.0)
        ]
    )
    cleaned = remove_water(brain.fids(windows, ("window", "time")), options={"poles": "each"}).spectrum
    near = (brain.ppm > 4.45) & (brain.ppm < 4.85)
    left = cleaned - np.fft.fftshift(np.fft.fft(brain.metabolites()))
    assert np.abs(left[:, near]).max() < 0.07 * brain.naa_height  # five noise SD


def test_session_off_the_ppm_scale_keeps_its_water_in_range(brain, rng):
    shift = -0.25 * brain.field_mhz
    clean = brain.metabolites() + water(brain, height=5.0, shape="Lorentzian", offset_hz=0.0)
    data = (clean * np.exp(2j * np.pi * shift * brain.time_s))[None] + brain.noise(rng, (8, brain.n_points), brain.noise_sd(30.0))
    cleaned = preprocess(brain.session(data), steps=[{"step": "water_removal"}]).fids.data.mean(axis=0)
    left = cleaned * np.exp(-2j * np.pi * shift * brain.time_s) - brain.metabolites()
    assert np.abs(np.fft.fft(left))[:8].max() < 0.07 * brain.naa_height


def test_transients_that_are_not_finite_stay_as_they_are(brain, rng):
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(4), snr=20.0)
    data[2, 0] = np.nan
    cleaned = preprocess(brain.session(data), steps=[{"step": "water_removal"}]).fids.data
    np.testing.assert_array_equal(cleaned[2], data[2])
    assert np.isfinite(cleaned[[0, 1, 3]]).all()
