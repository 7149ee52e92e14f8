"""The workcells with an arm: the one on the table, and the emulated rig that stands in for it."""
