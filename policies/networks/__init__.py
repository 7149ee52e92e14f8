"""Network bodies: residual MLPs and image encoders."""
