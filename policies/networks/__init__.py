"""Networks: encoders of observations, and energies of actions."""
