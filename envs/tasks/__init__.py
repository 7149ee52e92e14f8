"""What is to be done: one file per task, pure functions over poses."""
