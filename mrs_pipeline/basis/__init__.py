"""Basis sets: spin systems, density-matrix simulation, macromolecules."""
