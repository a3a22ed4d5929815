"""One spelling for each e-mail address, so that nobody can sign up twice under two spellings of one."""

from email_validator import EmailNotValidError, validate_email

MAX_LENGTH = 254


def normalise_email(address: str) -> str:
    """Give the one spelling under which an address is stored and looked up.

    The domain is written in lower case and in Unicode, the local part in Unicode form C and in lower case: mail systems
    that tell ``Ada@`` from ``ada@`` are rare enough that two people with such addresses are less likely than one
    person with two habits. Domains of a local network (``ada@home.lan``) are accepted, since nothing is sent there.

    Raises ValueError with a sentence for the person who typed it.

    >>> normalise_email("  Ada.Lovelace@EXAMPLE.org ")
    'ada.lovelace@example.org'
    """
    try:
        valid = validate_email(address.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error
    return valid.normalized.lower()
