import numpy as np
import pytest

from mrs_pipeline.errors import DataError
from mrs_pipeline.preprocessing.averaging import average


def test_weighted_means_of_groups(brain, rng):
    data = brain.noise(rng, (6, brain.n_points), 1.0)
    weights = np.array([1.0, 2.0, 0.0, 1.0, 1.0, 3.0])
    windows = average(brain.fids(data), groups=[np.array([0, 1, 2]), np.array([5])], weights=weights)
    assert windows.dims == ("window", "time")
    np.testing.assert_allclose(windows.data[0], (data[0] + 2 * data[1]) / 3)
    np.testing.assert_allclose(windows.data[1], data[5])
    assert windows.history[-1].method == "Signal averaging"


def test_a_weight_of_zero_keeps_out_what_is_not_finite(brain):
    data = np.ones((2, brain.n_points), dtype=complex)
    data[1] = np.nan
    assert np.all(average(brain.fids(data), groups=[np.arange(2)], weights=np.array([1.0, 0.0])).data == 1)


def test_an_empty_window_keeps_its_place(brain):
    windows = average(brain.fids(np.ones((2, brain.n_points))), groups=[np.array([], dtype=int), np.array([1])])
    assert np.isnan(windows.data[0]).all()
    assert np.all(windows.data[1] == 1)


def test_wrong_input_is_refused(brain):
    with pytest.raises(DataError, match="combine coils"):
        average(brain.fids(np.ones((2, 2, brain.n_points)), ("coil", "transient", "time")), groups=[np.arange(2)])
    with pytest.raises(DataError, match="2 weights"):
        average(brain.fids(np.ones((2, brain.n_points))), groups=[np.arange(2)], weights=np.ones(3))
