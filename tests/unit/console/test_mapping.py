"""What the columns of a file are taken for."""

import pytest

from doorward.console.people.mapping import LEFT_OUT, chosen, mapped, preview_of
from doorward.imports.csv_file import read_csv
from doorward.kit.errors import Invalid

OPTIONS = [(name, name) for name in ("first_name", "last_name", "email", "custom_1", "card_number", LEFT_OUT)]


def test_columns_are_known_by_their_names_and_what_is_said_goes_before_them() -> None:
    file = read_csv(b"Vorname,Surname,E-Mail,Badge,Shoe size\nA,B,,1,38\n")
    assert chosen(file, {}, OPTIONS) == ["first_name", "last_name", "email", "card_number", LEFT_OUT]
    said = {"shoe_size": "custom_1", "badge": LEFT_OUT, "surname": "no such field", "another": "email"}
    assert chosen(file, said, OPTIONS) == ["first_name", LEFT_OUT, "email", LEFT_OUT, "custom_1"]


def test_what_is_left_out_is_gone_and_rows_keep_their_numbers() -> None:
    file = read_csv(b'Vorname;Hut;Surname\nA;7;B\n\n;;\n"C;D";8;E\n')
    found = mapped(file, ["first_name", LEFT_OUT, "last_name"])
    assert found.columns == ("first_name", "last_name")
    assert found.rows_total == 2
    assert [*found.rows()] == [(2, ["A", "B"]), (5, ["C;D", "E"])]
    assert [number for number, _ in found.rows()] == [number for number, _ in file.rows()]


def test_a_file_whose_columns_are_fields_is_taken_as_it_is() -> None:
    file = read_csv(b"first_name,last_name\nA,B\n")
    assert mapped(file, ["first_name", "last_name"]) is file
    assert preview_of(file, ["first_name", "last_name"]).rows == [(2, ["A", "B"])]


@pytest.mark.parametrize("fields", [[LEFT_OUT, LEFT_OUT], ["email", "email"]])
def test_columns_that_say_nothing_or_the_same_are_refused(fields: list[str]) -> None:
    with pytest.raises(Invalid):
        mapped(read_csv(b"a,b\n1,2\n"), fields)
