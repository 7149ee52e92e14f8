"""Where the camera stands, what its lens does, and where the tool's tip is: measured, with the error said."""
