"""Decoding: finding the most probable legal answer, token by token or with drafts, and the
probabilities of its entities; free answers, for comparison, without constraints."""
