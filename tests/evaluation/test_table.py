from spacy_genner.evaluation.table import Table


def test_markdown_has_the_notes_after_a_blank_line() -> None:
    table = Table("Systems", ["", "F1"], [["a|b", 71.5]], ["First.", "Second."])
    assert table.markdown == "|  | F1 |\n| --- | ---: |\n| a\\|b | 71.5 |\n\nFirst.\nSecond."


def test_a_table_without_notes_ends_with_its_rows() -> None:
    assert Table("Systems", ["", "F1"], [["a", "–"]]).markdown.endswith("\n| a | – |")
