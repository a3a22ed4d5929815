"""Everything that a user has, as one file: written, read and checked."""
