"""Smoothing by a penalty on second differences (Whittaker 1923, Proc Edinb Math Soc 41:63; Eilers 2003, Anal Chem 75:3631)."""

import numpy as np
from scipy.linalg import solveh_banded

from mrs_pipeline.acquisition import ComplexArray, FloatArray


def second_difference_bands(stiffness: FloatArray, *, n: int) -> FloatArray:
    """Upper bands (3, n) of ``D' S D`` for ``solveh_banded``; D has rows (1, -2, 1), ``stiffness`` the n - 2 values of S."""
    coefficients = (1.0, -2.0, 1.0)
    bands = np.zeros((3, n))
    for row, first, second in ((0, 0, 2), (1, 0, 1), (1, 1, 2), (2, 0, 0), (2, 1, 1), (2, 2, 2)):
        bands[row, second : second + stiffness.size] += coefficients[first] * coefficients[second] * stiffness
    return bands


def smooth_curve(values: ComplexArray, *, width: float) -> ComplexArray:
    """Rows (n_rows, n) without features narrower than about ``width`` samples: a period of 2 pi width passes by half."""
    n = values.shape[-1]
    bands = second_difference_bands(np.full(max(n - 2, 0), width**4), n=n)
    bands[2] += 1.0
    smooth = solveh_banded(bands, np.concatenate([values.real, values.imag]).T).T
    return np.asarray(smooth[: len(values)] + 1j * smooth[len(values) :])
