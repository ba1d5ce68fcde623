"""Counting: filters, sums and orders over lists of numbers."""
