"""From the folders of runs to one HTML page."""
