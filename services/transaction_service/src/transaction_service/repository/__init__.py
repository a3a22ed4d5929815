"""Every query of the ledger, one module per table or question; each query is limited to the rows of one user."""
