"""Tables as text."""

from likewise.cli.output import table


def test_columns_are_aligned_with_numbers_to_the_right():
    rows = [{"model": "EASE", "ndcg": 0.25, "rank": 1}, {"model": "Popularity", "ndcg": 0.125, "rank": 10}]
    assert table(rows).splitlines() == [
        "model         ndcg  rank",
        "EASE        0.2500     1",
        "Popularity  0.1250    10",
    ]


def test_what_is_missing_is_blank_and_nothing_is_said():
    assert table([{"item": 3, "title": None}]).splitlines() == ["item  title", "   3"]
    assert table([]) == "(none)"
