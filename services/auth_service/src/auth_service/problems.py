"""What can go wrong in the user's words. The token endpoint alone answers otherwise: see `auth_service.oauth`."""

from api_common.problems import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
)


class EmailTaken(Conflict):
    """The address has an account already."""

    code = "email_taken"
    title = "There is an account with this e-mail address"


class SignUpClosed(Forbidden):
    """The operator makes the accounts."""

    code = "sign_up_closed"
    title = "Sign-up is closed"


class BadAddress(InvalidInput):
    """The e-mail address cannot be one."""

    code = "email_invalid"
    title = "The e-mail address is not valid"


class UnacceptablePassword(InvalidInput):
    """The password is too short, too long, or easily guessed."""

    code = "password_refused"
    title = "The password is not accepted"


class WrongPassword(Forbidden):
    """The current password, asked for before a grave step, is wrong."""

    code = "wrong_password"
    title = "The password is wrong"


class TooManyFailures(TooManyRequests):
    """Too many wrong passwords, for this account or from this address."""

    code = "too_many_failures"
    title = "Too many failed attempts"


class TooManySignUps(TooManyRequests):
    """Too many new accounts from one address."""

    code = "too_many_sign_ups"
    title = "Too many sign-ups"


class TooManySignIns(ServiceUnavailable):
    """More people sign in at once than passwords can be verified."""

    code = "sign_in_busy"
    title = "Too many sign-ins at once"

    def __init__(self) -> None:
        super().__init__(
            "More people are signing in than passwords can be checked. Try again in a few seconds.",
            headers={"Retry-After": "5"},
        )


class SessionEnded(Unauthorized):
    """The access token is genuine, but its session has been ended, or its user or client locked or deleted."""

    code = "session_ended"
    title = "The session has ended"


class UserNotFound(NotFound):
    """There is no such user."""

    code = "user_not_found"
    title = "There is no such user"


class SessionNotFound(NotFound):
    """There is no such session of this user."""

    code = "session_not_found"
    title = "There is no such session"


class ClientNotFound(NotFound):
    """There is no such service client."""

    code = "client_not_found"
    title = "There is no such client"


class ClientNameTaken(Conflict):
    """Another service client has this name."""

    code = "client_name_taken"
    title = "There is a client with this name"


class UnknownScopes(InvalidInput):
    """A scope was asked for that does not exist."""

    code = "unknown_scope"
    title = "There is no such scope"


class LastAdministrator(Conflict):
    """The step would leave the installation without an administrator who can sign in."""

    code = "last_administrator"
    title = "This is the last administrator"


class DataOwnerUnavailable(ServiceUnavailable):
    """A service that holds data of the user cannot delete it at the moment."""

    code = "data_owner_unavailable"
    title = "A service that holds data of this user does not answer"
