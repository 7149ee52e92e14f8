"""Named configurations: the paper's, those of its released code, and fast ones made for a CPU."""
