"""Evaluation of pipelines and of stored answers: scores, comparison, and a page to look at."""
