"""Policies: the implicit ones and those they are compared with."""
