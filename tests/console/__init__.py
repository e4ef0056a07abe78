"""The console: its files, what serves them, and the page in a browser."""
