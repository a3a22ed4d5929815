"""MT940 and MT942: the customer statement and the interim report of SWIFT, in the dialects of banks."""
