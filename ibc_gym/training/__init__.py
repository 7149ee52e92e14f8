"""From a data set to a checkpoint, for any policy that has a loss."""
