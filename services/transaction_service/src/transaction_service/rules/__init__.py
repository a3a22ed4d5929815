"""What the user's rules ask of a row and what they make of it. No database."""
