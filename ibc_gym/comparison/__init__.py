"""Two simulators side by side: the rehearsal of going from simulation to a real arm."""
