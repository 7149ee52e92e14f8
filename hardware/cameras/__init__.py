"""RealSense cameras: pictures with the time they were taken, refused when they are not fresh, had back when they fail."""
