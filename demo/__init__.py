"""The main job on real input: a year of a retailer's shopping, replayed through the public API."""
