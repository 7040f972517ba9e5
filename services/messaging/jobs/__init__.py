"""What time brings: due messages, unknown handoffs, second channels, unsubscriptions to pass on."""
