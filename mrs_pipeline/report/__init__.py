"""Figures and pages made from result tables."""
