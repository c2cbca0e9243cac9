async def test_a_test_has_a_database_of_its_own(db, statements):
    assert await db.fetchval("SELECT slug FROM project") == "default"
    assert len(statements) == 1
