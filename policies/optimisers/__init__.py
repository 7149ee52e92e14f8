"""How an energy is minimised, in training and in acting: one file per method."""
