"""The packaged book of list prices: how it is built and how it is read."""
