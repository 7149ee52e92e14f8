"""Optimisers: ways to find the least energetic action, each with its constants as a config."""
