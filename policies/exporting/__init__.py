"""Policies as graphs of arithmetic that run without this library."""
