"""Mixed models with small-sample inference and the contrasts of a crossover."""
