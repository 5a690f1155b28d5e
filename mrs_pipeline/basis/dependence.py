"""Components of a basis set that others make up: a fit cannot tell their amplitudes apart."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mrs_pipeline.acquisition import FloatArray, spectrum_from_fid
from mrs_pipeline.basis.basis_set import BasisSet

#: Broadening of a spectrum in vivo, at the least, Hz.
BROADENING_HZ = 5.0
#: A component of which others leave less than this fraction of its norm is made up by them.
SAME = 1e-3
#: A component of whose norm the fitted range holds less than this fraction has its signals outside; tails of lines reach in.
OUTSIDE = 0.2
#: Parts that are smaller than this fraction of the component are not named.
NAMED_PART = 1e-2
#: Parts whose amplitudes are this near to 1 add up to a plain sum.
PLAIN = 1e-2

_Solve = Callable[[FloatArray, FloatArray], FloatArray | None]


def dependence_remarks(basis: BasisSet, *, ppm_range: Sequence[float]) -> tuple[str, ...]:
    """What a reader must know of components that a fit of this range cannot tell apart, a sentence each.

    Compares spectra broadened by `BROADENING_HZ`. A component that others make up is said once and then left aside, so that its parts are
    not blamed for it. Amplitudes that are not negative are tried first: they name few parts, and the sum rather than one of its parts.
    """
    columns = _spectra(basis, ppm_range=ppm_range)
    norms = np.linalg.norm(columns, axis=0)
    everywhere = np.linalg.norm(_spectra(basis, ppm_range=(-np.inf, np.inf)), axis=0)
    inside = norms > OUTSIDE * everywhere
    left = [int(component) for component in np.flatnonzero(inside)]
    columns /= np.where(inside, norms, 1.0)
    # what all others do not make up with amplitudes of any sign, fewer or positive ones do not either
    made_up = [component for component in left if _parts(component, left, columns=columns, solve=_any_sign) is not None]
    outside = np.array(basis.metabolites)[~inside]
    remarks = [f"{name} has no signal in the fitted range: its amplitude means nothing" for name in outside]
    for solve in (_not_negative, _any_sign):
        for component in [component for component in made_up if component in left]:
            parts = _parts(component, left, columns=columns, solve=solve)
            if parts is not None:
                left.remove(component)
                amplitudes = parts * norms[component] / norms[left]
                named = {basis.metabolites[other]: amplitudes[row] for row, other in enumerate(left) if abs(parts[row]) > NAMED_PART}
                remarks.append(_sentence(basis.metabolites[component], named))
    return tuple(remarks)


def _parts(component: int, left: Sequence[int], *, columns: FloatArray, solve: _Solve) -> FloatArray | None:
    """Amplitudes of the others of `left` that make up a component; None where they do not."""
    others = [other for other in left if other != component]
    return solve(columns[:, others], columns[:, component]) if others else None


def _not_negative(design: FloatArray, target: FloatArray) -> FloatArray | None:
    from scipy.optimize import nnls  # noqa: PLC0415 - slow to import, and few sets have such components

    parts, residual = nnls(design, target)
    return np.asarray(parts) if residual < SAME else None


def _any_sign(design: FloatArray, target: FloatArray) -> FloatArray | None:
    parts = np.linalg.lstsq(design, target, rcond=None)[0]
    return np.asarray(parts) if np.linalg.norm(design @ parts - target) < SAME else None


def _spectra(basis: BasisSet, *, ppm_range: Sequence[float]) -> FloatArray:
    """Broadened spectra in a range, real above imaginary parts, as the columns of the triangle that has their scalar products."""
    sampling = basis.acquisition
    low, high = ppm_range
    inside: NDArray[np.bool_] = (sampling.ppm >= low) & (sampling.ppm <= high)
    spectra = spectrum_from_fid(basis.fids * np.exp(-np.pi * BROADENING_HZ * sampling.time_s))[:, inside]
    return np.asarray(np.linalg.qr(np.concatenate([spectra.real, spectra.imag], axis=1).T, mode="r"))


def _sentence(name: str, parts: dict[str, float]) -> str:
    names = list(parts)
    listed = " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
    plain = all(abs(part - 1) < PLAIN for part in parts.values())
    made = f"the sum of {listed}" if plain else f"a combination of {listed}"
    made = made if len(names) > 1 else f"the same signal as {listed}"
    return f"{name} is {made}: their amplitudes cannot be told apart; choose components with basis.file_metabolites or --metabolites"
