"""Tests of `wsendpoints.django`, in one Django project."""
