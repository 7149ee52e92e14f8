"""Emulated RealSense cameras: software devices of the vendor's own library, fed with pictures of a simulated scene."""
