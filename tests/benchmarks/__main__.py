"""`python -m tests.benchmarks`: measure, print the table, write it down."""
