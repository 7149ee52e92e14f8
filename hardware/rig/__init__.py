"""The emulated rig: a controller and cameras that are software, behind the vendors' own protocols and libraries."""
