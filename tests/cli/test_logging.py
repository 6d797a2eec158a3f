import logging

import pytest

import spacy_genner.cli  # noqa: F401  (prints what is logged)


def test_information_and_warnings_are_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("spacy_genner")
    logger.debug("a pass")
    logger.info("Going on after update %d", 6)
    logger.warning("it \x1b[31m begins again")
    printed = capsys.readouterr().out
    assert "a pass" not in printed and printed.count("Going on after update 6") == 1
    assert "⚠ it \\x1b[31m begins again" in printed
