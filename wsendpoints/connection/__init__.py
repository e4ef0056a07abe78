"""One open connection: its state over the server's `receive` and `send`, and its face."""
