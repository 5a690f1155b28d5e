"""JSON schemas and defaults that travel with the package."""
