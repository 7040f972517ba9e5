"""What profile tells again on demand: traits and consents as they are."""
