"""Slice-selective pulses against sets that other programs simulated with the waveforms of a scanner."""

from pathlib import Path

import pytest

from benchmarks.basis_pulses import SETS, compared, reference_set

pytestmark = pytest.mark.external_data

METABOLITES = ("Glu", "Gln", "GABA", "Lac")


@pytest.mark.parametrize("name", SETS)
def test_real_pulses_close_most_of_the_gap_that_ideal_ones_leave(name: str, external_data: Path) -> None:
    theirs = reference_set(external_data, name)
    _, echo_time_1_s, pulses = SETS[name]
    ideal, shaped = (compared(theirs, echo_time_1_s=echo_time_1_s, pulses=choice, metabolites=METABOLITES) for choice in ("ideal", pulses))
    for metabolite in METABOLITES:
        assert 1 - shaped[metabolite][0] < 0.5 * (1 - ideal[metabolite][0]), metabolite
        # amplitudes that a fit with this set would get wrong
        assert shaped[metabolite][1] == pytest.approx(1.0, abs=0.04), metabolite
