"""Simulated worlds: scenes as data, two simulators that build them, tasks and their oracles."""
