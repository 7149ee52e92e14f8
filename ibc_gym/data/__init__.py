"""Demonstrations: written whole or not at all, and read back as windows."""
