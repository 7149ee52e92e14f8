"""`ibc-gym`: one file per command."""
