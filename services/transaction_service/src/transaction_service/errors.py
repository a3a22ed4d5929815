"""What can go wrong with a ledger, as problems that a client can tell apart by their code."""

from __future__ import annotations

from api_common.problems import BadRequest, Conflict, Forbidden, InvalidInput, NotFound


class AccountNotFound(NotFound):
    """The user has no such account; another user's account looks the same."""

    code = "account_not_found"
    title = "Account not found"


class TransactionNotFound(NotFound):
    """The user's ledger has no such row."""

    code = "transaction_not_found"
    title = "Transaction not found"


class CategoryNotFound(NotFound):
    """Neither a built-in category nor one of the user's own."""

    code = "category_not_found"
    title = "Category not found"


class RuleNotFound(NotFound):
    """The user has no such rule."""

    code = "rule_not_found"
    title = "Rule not found"


class ImportNotFound(NotFound):
    """The user has no such import."""

    code = "import_not_found"
    title = "Import not found"


class JournalEntryNotFound(NotFound):
    """The user's journal has no such entry."""

    code = "journal_entry_not_found"
    title = "Journal entry not found"


class SecurityNotFound(NotFound):
    """No security with this id is known from the user's statements."""

    code = "security_not_found"
    title = "Security not found"


class TransferNotFound(NotFound):
    """The user has no such transfer."""

    code = "transfer_not_found"
    title = "Transfer not found"


class SameAccount(InvalidInput):
    """Two rows of one account are no transfer."""

    code = "same_account"
    title = "Both rows are of one account"


class SameSign(InvalidInput):
    """Two rows of money in, or of money out, are no transfer."""

    code = "same_sign"
    title = "Both rows go the same way"


class AmountsDiffer(InvalidInput):
    """The sides of a transfer in one currency do not sum to zero."""

    code = "amounts_differ"
    title = "The amounts differ"


class RowPending(InvalidInput):
    """A row that the bank has only announced cannot be linked."""

    code = "row_pending"
    title = "Row is not booked yet"


class AlreadyLinked(Conflict):
    """A row is part of another transfer."""

    code = "already_linked"
    title = "Row is part of another transfer"


class AssertionNotFound(NotFound):
    """The account has no such balance assertion."""

    code = "assertion_not_found"
    title = "Balance assertion not found"


class DayAsserted(Conflict):
    """The balance of that day is asserted already."""

    code = "day_asserted"
    title = "The day's balance is asserted already"


class LedgerClosed(Forbidden):
    """The user was deleted, and with him all that the ledger held; it takes nothing more."""

    code = "ledger_closed"
    title = "Ledger is closed"


class RangeReversed(InvalidInput):
    """A filter's first day or amount lies after its last."""

    code = "range_reversed"
    title = "The range ends before it starts"


class AccountHasTransactions(Conflict):
    """The account cannot go without its rows, and nobody said that they may go."""

    code = "account_has_transactions"
    title = "Account has transactions"


class ReferenceTaken(Conflict):
    """Statement files name another account of the user so."""

    code = "reference_taken"
    title = "Reference belongs to another account"


class IdTaken(Conflict):
    """The client's own id stands for something else already.

    Ids are unique in the whole database, as rows refer to one another by them. So this is said of other users' ids too,
    in the very same words as of the client's own: nobody learns whose an id is or what it stands for. Nor does anybody
    come upon one by trying, since an id holds 74 random bits.
    """

    code = "id_taken"
    title = "Id is in use"

    def __init__(self) -> None:
        super().__init__("The id that was sent stands for something else already. Send another id, or none.")


class CategoryInUse(Conflict):
    """Rows, rules or other categories hang on the category, and nobody said where they go."""

    code = "category_in_use"
    title = "Category is in use"


class BuiltInCategory(Conflict):
    """The category is part of Purser and cannot be changed."""

    code = "built_in_category"
    title = "Category is built in"


class CategoryMisplaced(InvalidInput):
    """The category would contradict its place in the tree."""

    code = "category_misplaced"
    title = "Category does not fit there"


class TooManyRules(InvalidInput):
    """There is a limit to the number of rules."""

    code = "too_many_rules"
    title = "Too many rules"


class NothingInCommon(InvalidInput):
    """Rows have no merchant, account or words in common that a rule could look for."""

    code = "nothing_in_common"
    title = "Rows have nothing in common"


class RuleTooSlow(InvalidInput):
    """The regular expressions of a rule take longer than a run over the history may take."""

    code = "rule_too_slow"
    title = "Rule takes too long"


class RuleTooCostly(InvalidInput):
    """The texts and expressions of all rules would take more memory than there is for them."""

    code = "rule_too_costly"
    title = "Rules take too much memory"


class RawTextKept(InvalidInput):
    """What the bank wrote is kept as it is."""

    code = "raw_text_kept"
    title = "The bank's text cannot be changed"


class RowIsSplit(InvalidInput):
    """What is asked for would contradict the row's parts."""

    code = "row_is_split"
    title = "The row is split"


class SplitsDiffer(InvalidInput):
    """The parts of a row do not sum to its amount."""

    code = "splits_differ"
    title = "The parts do not sum to the row"


class TooManyTags(InvalidInput):
    """There is a limit to the tags of a row."""

    code = "too_many_tags"
    title = "Too many tags"


class TagNotFound(NotFound):
    """No row of the user has this tag."""

    code = "tag_not_found"
    title = "Tag not found"


class RowReplaced(Conflict):
    """The booking of the row, which was pending, or the bank's correction of it stands in its place."""

    code = "row_replaced"
    title = "The bank put another row in its place"


class RowsUnknown(InvalidInput):
    """Some of the rows that a request names are not in the ledger."""

    code = "rows_unknown"
    title = "Rows are unknown"


class TooManyRows(InvalidInput):
    """There is a limit to the rows of one edit."""

    code = "too_many_rows"
    title = "Too many rows"


class CurrencyDiffers(InvalidInput):
    """An amount is in another currency than its account."""

    code = "currency_differs"
    title = "Currency differs from the account's"


class StatementRefused(InvalidInput):
    """The statement file cannot be read; `code` says why. Nothing was changed."""

    code = "statement_refused"
    title = "Statement file refused"


class AccountNeeded(InvalidInput):
    """The file does not say which account it is about."""

    code = "account_needed"
    title = "Account needed"


class AccountAmbiguous(InvalidInput):
    """The file's account may be several of the user's."""

    code = "account_ambiguous"
    title = "Account is ambiguous"


class SeveralAccounts(InvalidInput):
    """The file names several accounts, and the request named one for all."""

    code = "several_accounts"
    title = "File names several accounts"


class CurrencyNeeded(InvalidInput):
    """Neither file nor request nor account says which currency the amounts are in."""

    code = "currency_needed"
    title = "Currency needed"


class FileNeeded(BadRequest):
    """The request holds no statement file."""

    code = "file_needed"
    title = "Statement file needed"


class ImportAlreadyUndone(Conflict):
    """The import was undone before."""

    code = "import_already_undone"
    title = "Import is undone already"


class ConfirmationNeeded(InvalidInput):
    """Deleting everything asks for a word of confirmation."""

    code = "confirmation_needed"
    title = "Confirmation needed"


class LedgerNotEmpty(Conflict):
    """An archive is imported into an empty ledger only."""

    code = "ledger_not_empty"
    title = "The ledger is not empty"


class ArchiveBroken(InvalidInput):
    """The file is no archive of a ledger, or not as it was when it was made."""

    code = "archive_broken"
    title = "Archive cannot be read"


class ArchiveTooLarge(InvalidInput):
    """Unpacked, the archive would be larger than the server's limit."""

    code = "archive_too_large"
    title = "Archive is too large"


class ArchiveTooNew(InvalidInput):
    """The archive was made by a newer Purser."""

    code = "archive_too_new"
    title = "Archive is newer than this Purser"


class ProposalNotFound(NotFound):
    """The user has no such proposal."""

    code = "proposal_not_found"
    title = "Proposal not found"


class ProposalsUnknown(InvalidInput):
    """Some of the proposals that a request names are not the user's."""

    code = "proposals_unknown"
    title = "Proposals are unknown"


class ProposalDecided(Conflict):
    """The proposal was decided the other way, and nobody said that it is to be decided anew."""

    code = "proposal_decided"
    title = "Proposal is decided already"


class CsvProfileNotFound(NotFound):
    """The user has no such mapping of tables."""

    code = "csv_profile_not_found"
    title = "CSV profile not found"


class CsvProfileExists(Conflict):
    """A user has one mapping for each header; `profile_id` names it."""

    code = "csv_profile_exists"
    title = "The header has a CSV profile already"


class CsvMappingInvalid(InvalidInput):
    """A mapping leaves something open that has to be decided, or contradicts itself."""

    code = "csv_mapping_invalid"
    title = "Mapping cannot be used"


class TooManyCsvProfiles(InvalidInput):
    """There is a limit to the number of mappings."""

    code = "too_many_csv_profiles"
    title = "Too many CSV profiles"
