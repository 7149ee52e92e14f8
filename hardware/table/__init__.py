"""The real table: a person arranges it by a picture, judges, and goes through a checklist before anything moves."""
