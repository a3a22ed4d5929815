"""QIF, the interchange format of Quicken: bank, cash, card and investment registers."""
