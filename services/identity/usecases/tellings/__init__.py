"""What identity tells again on demand: the record of events with their present owners, persons, ownership."""
