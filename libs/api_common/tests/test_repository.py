"""A repository never leaves its user's rows."""

from uuid import uuid4

import pytest
from api_common.database import Database
from api_common.pagination import PageQuery
from api_common.problems import PreconditionFailed
from bookkeeping_example import Account, AccountNotFound, Accounts


async def test_a_user_never_sees_gets_or_deletes_another_users_rows(database: Database) -> None:
    alice, bob = uuid4(), uuid4()
    async with database.write() as session:
        hers = await Accounts(session, alice).add(Account(user_id=alice, name="Current"))
        await Accounts(session, bob).add(Account(user_id=bob, name="Current"))
    async with database.write() as session:
        his = Accounts(session, bob)
        assert await his.get_or_none(hers.id) is None
        with pytest.raises(AccountNotFound, match=f"There is no account {hers.id}"):
            await his.get(hers.id)
        assert [account.user_id for account in (await his.list(PageQuery())).items] == [bob]
        await his.delete((await his.list(PageQuery())).items[0])
    async with database.read() as session:
        assert (await Accounts(session, alice).get(hers.id)).name == "Current"
        assert (await Accounts(session, bob).list(PageQuery())).items == []


async def test_a_row_of_another_user_cannot_be_added(database: Database) -> None:
    alice, bob = uuid4(), uuid4()
    with pytest.raises(ValueError, match="of another user"):
        async with database.write() as session:
            await Accounts(session, bob).add(Account(user_id=alice, name="Current"))


async def test_a_change_of_a_row_that_changed_meanwhile_is_refused(database: Database) -> None:
    user = uuid4()
    async with database.write() as session:
        account = await Accounts(session, user).add(Account(user_id=user, name="Current"))
    async with database.read() as session:
        seen_before = await Accounts(session, user).get(account.id)
    async with database.write() as session:
        (await Accounts(session, user).get(account.id)).name = "Joint"
    with pytest.raises(PreconditionFailed):
        async with database.write() as session:
            session.add(seen_before)
            seen_before.name = "Mine"
    async with database.read() as session:
        found = await Accounts(session, user).get(account.id)
    assert (found.name, found.version) == ("Joint", 2)
