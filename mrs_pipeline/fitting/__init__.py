"""Linear-combination fitting of spectra, with uncertainties."""
