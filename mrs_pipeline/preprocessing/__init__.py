"""Raw multi-coil transients to aligned transients: one file a step, all steps in one table."""
