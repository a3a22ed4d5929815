"""The ledger as a frame of the published columns, and the forms in which it can be had."""
