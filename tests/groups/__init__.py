"""Groups: one message to many clients."""
