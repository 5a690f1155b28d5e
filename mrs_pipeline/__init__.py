"""Functional 1H MR spectroscopy of infusion studies: raw transients to the contrast of two conditions."""

__version__ = "0.1.0"
