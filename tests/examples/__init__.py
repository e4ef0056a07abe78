"""The examples, and the README, as a user runs them."""
