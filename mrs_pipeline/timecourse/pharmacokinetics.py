"""Concentration of a drug after a bolus and during and after an infusion: two compartments and an effect compartment."""

from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import unknown_name


@dataclass(frozen=True, kw_only=True)
class Kinetics:
    """Rate constants (1/min): out of the body (k10), to the peripheral compartment (k12) and back (k21).

    `central_volume_l_per_kg` makes concentrations of doses; a course scaled to its maximum does not depend on it.
    """

    k10_per_min: float
    k12_per_min: float
    k21_per_min: float
    central_volume_l_per_kg: float = 1.0


#: Published kinetics by name.
#: `ketamine`: racemic ketamine in healthy volunteers after 0.25 mg/kg, Clements & Nimmo 1981, Br J Anaesth 53:27, doi 10.1093/bja/53.1.27,
#: as programs for target-controlled infusion state them ("Clements 250"). Clearance 19 ml/min/kg, half-lives 18 and 183 min.
KINETICS: dict[str, Kinetics] = {
    "ketamine": Kinetics(k10_per_min=0.0109, k12_per_min=0.0186, k21_per_min=0.0137, central_volume_l_per_kg=1.7522),
}


def kinetics_named(name: str) -> Kinetics:
    """The published kinetics of that name; `ConfigError` lists the names there are."""
    if name not in KINETICS:
        raise unknown_name("drug in timecourse.responses", name, KINETICS)
    return KINETICS[name]


def concentration(
    time_s: FloatArray, *, kinetics: Kinetics, bolus: float, duration_s: float, ke0_per_min: float | None = None
) -> FloatArray:
    """Concentration of a unit dose times the central volume, shape of `time_s` (s from the start); 0 before it.

    A share `bolus` of the dose is given at once, the rest at a constant rate over `duration_s`; without a duration all of it is a bolus.
    With ``k = k10 + k12 + k21`` the plasma follows ``A exp(-a t) + B exp(-b t)`` after a unit bolus, where ``a, b = (k +- sqrt(k^2 - 4 k10
    k21)) / 2`` and ``A = (a - k21) / (a - b)``, ``B = (k21 - b) / (a - b)`` (Gibaldi & Perrier 1982, Pharmacokinetics, chapter 2).
    With `ke0_per_min` the result is that of an effect compartment, ``dCe/dt = ke0 (Cp - Ce)`` (Sheiner et al. 1979, Clinical Pharmacology &
    Therapeutics 25:358). An infusion is the integral of boluses.
    """
    rates, weights = _plasma_terms(kinetics)
    if ke0_per_min is not None:
        rates, weights = _effect_terms(rates, weights, ke0=ke0_per_min)
    share = bolus if duration_s > 0.0 else 1.0
    minutes = np.asarray(time_s, dtype=float)[..., None] / 60.0
    course = share * np.where(minutes >= 0.0, np.exp(-rates * np.maximum(minutes, 0.0)), 0.0) @ weights
    if share < 1.0:
        duration = duration_s / 60.0
        since_start, since_end = np.maximum(minutes, 0.0), np.maximum(minutes - duration, 0.0)
        infused = np.exp(-rates * since_end) * -np.expm1(-rates * np.minimum(since_start, duration)) / rates
        course += (1.0 - share) / duration * infused @ weights
    return np.asarray(course)


def _plasma_terms(kinetics: Kinetics) -> tuple[FloatArray, FloatArray]:
    """Rates (1/min) and weights of the two exponentials after a unit bolus."""
    k10, k12, k21 = kinetics.k10_per_min, kinetics.k12_per_min, kinetics.k21_per_min
    total = k10 + k12 + k21
    root = np.sqrt(total**2 - 4.0 * k10 * k21)
    fast, slow = (total + root) / 2.0, (total - root) / 2.0
    return np.array([fast, slow]), np.array([(fast - k21) / root, (k21 - slow) / root])


def _effect_terms(rates: FloatArray, weights: FloatArray, *, ke0: float) -> tuple[FloatArray, FloatArray]:
    """The same for the effect compartment: the plasma's exponentials filtered by ``ke0 exp(-ke0 t)``."""
    # a rate equal to ke0 would divide by zero; next to it the course differs by less than a millionth
    gap = np.where(np.abs(ke0 - rates) < 1e-6 * ke0, 1e-6 * ke0, ke0 - rates)
    filtered = weights * ke0 / gap
    return np.append(ke0 - gap, ke0), np.append(filtered, -filtered.sum())
