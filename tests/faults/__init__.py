"""The faults that a connection may meet, each with its one correct outcome: a test for each."""
