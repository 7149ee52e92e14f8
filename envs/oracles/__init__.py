"""Scripted demonstrators: one file per task."""
