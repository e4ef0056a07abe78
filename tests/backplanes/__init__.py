"""Tests of wsendpoints.backplanes."""
