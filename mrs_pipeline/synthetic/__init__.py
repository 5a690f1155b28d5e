"""Generator of synthetic infusion studies with known truth."""
