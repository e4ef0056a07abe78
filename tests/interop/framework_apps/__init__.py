"""The same endpoint in each framework, served by `test_frameworks`."""
