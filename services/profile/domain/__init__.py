"""What a trait, a contact point and a consent are; pure."""
