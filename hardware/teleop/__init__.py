"""People as policies: keyboard, SpaceMouse and gamepad, and taking over from a policy that runs."""
