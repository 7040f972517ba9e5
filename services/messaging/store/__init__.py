"""All SQL of messaging."""
