"""Transients to windows relative to an event."""
