"""Everything known about a person: traits, contact points, timeline and consent, each with its source."""
