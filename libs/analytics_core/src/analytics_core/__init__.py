"""The financial mathematics of Purser: pure functions on frames, dates and decimals."""

from analytics_core.basis import Basis
from analytics_core.cash_flow import MonthlyCashFlow, cash_flow
from analytics_core.categories import CategoryShare, category_breakdown
from analytics_core.errors import LedgerError
from analytics_core.merchant_names import add_merchant_names, merchant_name
from analytics_core.merchants import MerchantTotal, top_merchants
from analytics_core.period import Period
from analytics_core.summary import CurrencySummary, summarise

__all__ = [
    "Basis",
    "CategoryShare",
    "CurrencySummary",
    "LedgerError",
    "MerchantTotal",
    "MonthlyCashFlow",
    "Period",
    "add_merchant_names",
    "cash_flow",
    "category_breakdown",
    "merchant_name",
    "summarise",
    "top_merchants",
]
