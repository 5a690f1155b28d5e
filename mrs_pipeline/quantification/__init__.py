"""Measures: sums and ratios of amplitudes with propagated covariance."""
