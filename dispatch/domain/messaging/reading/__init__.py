"""The reading of volunteers' texts: from letters to words, from words to kinds, from kinds to clauses."""
