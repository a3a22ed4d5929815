"""What a statement file brings, made ready for booking: its rows, and the accounts that they go to. No database."""
