"""The real arm: UFACTORY's xArm6 behind the contract of robots, driven through the vendor's own client."""
