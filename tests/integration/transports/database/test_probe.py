"""The live check tells every difference between what is declared and what is there, at once."""

from __future__ import annotations

from tests.integration.transports.database.fronts import Front


def differences(front: Front, **more: object) -> list[str]:
    probed = front.ask(lambda transport: transport.probe(), **more)
    assert probed.failure == ""
    return [str(one) for one in sorted(probed.differences, key=lambda one: one.at)]


def test_tables_as_declared_have_no_difference(front: Front) -> None:
    assert differences(front) == []


def test_a_table_that_is_missing_is_told_with_the_nearest(front: Front) -> None:
    front.run("ALTER TABLE up_pro_material RENAME TO up_pro_materials")
    assert differences(front) == ["up_pro_material: expected a table, got none; nearest is 'up_pro_materials'"]


def test_every_difference_is_told_at_once(remote: Front) -> None:
    if remote.engine == "postgresql":
        remote.run(
            "ALTER TABLE up_pro_accept DROP COLUMN opinion",
            "ALTER TABLE up_pro_accept ALTER COLUMN applyer_name TYPE varchar(20)",
            "ALTER TABLE up_pro_accept ALTER COLUMN task_version TYPE varchar(20)",
            "ALTER TABLE up_pro_accept ALTER COLUMN area TYPE decimal(6,2)",
            "ALTER TABLE up_pro_accept ALTER COLUMN promise_date SET NOT NULL",
            "ALTER TABLE up_pro_accept ADD COLUMN must int NOT NULL",
            "ALTER TABLE up_pro_accept DROP CONSTRAINT up_pro_accept_pkey",
        )
    else:
        remote.run(
            "ALTER TABLE up_pro_accept DROP COLUMN opinion, MODIFY applyer_name varchar(20) NOT NULL,"
            " MODIFY task_version varchar(20) NOT NULL, MODIFY area decimal(6,2), MODIFY promise_date date NOT NULL,"
            " ADD COLUMN must int NOT NULL, DROP PRIMARY KEY",
        )
    found = differences(remote)
    assert [one.split(":")[0] for one in found] == [
        "up_pro_accept",
        "up_pro_accept.applyer_name",
        "up_pro_accept.area",
        "up_pro_accept.must",
        "up_pro_accept.opinion",
        "up_pro_accept.promise_date",
        "up_pro_accept.task_version",
    ]
    assert "expected a unique index on row_guid" in found[0]
    assert "expected varchar(100) not null, got VARCHAR(20)" in found[1]


def test_a_table_without_transactions_is_told(mariadb: Front) -> None:
    """A message of several rows would stay by half."""
    mariadb.run("ALTER TABLE up_pro_material ENGINE = MyISAM")
    assert differences(mariadb) == [
        "up_pro_material: expected an engine with transactions, got MyISAM: half a message would stay"
    ]


def test_a_database_that_is_not_there_is_a_failure_and_no_difference(remote: Front) -> None:
    address = "mysql://u@127.0.0.1:1/x" if remote.engine == "mariadb" else "postgresql://u@127.0.0.1:1/x"
    probed = remote.ask(lambda transport: transport.probe(), address)
    assert (probed.differences, probed.is_as_declared) == ((), False)
    assert "lost" in probed.failure
