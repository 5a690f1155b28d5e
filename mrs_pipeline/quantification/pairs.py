"""Pairs of metabolites that are always spoken of; apart from the measures, whose code the report does not depend on."""

#: Those that spectra tell apart least: the correlations of their amplitudes are always stated.
NAMED_PAIRS = (("Glu", "Gln"), ("NAA", "NAAG"), ("Cr", "PCr"))
