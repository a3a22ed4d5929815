"""Whether the ledger agrees with the balances that are known, and what may explain a gap. No database."""
