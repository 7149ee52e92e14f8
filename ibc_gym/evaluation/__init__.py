"""From a policy to counted episodes, films and intervals."""
