"""Known bugs, seeded one at a time: each must make the tests named beside it fail (`./run bugs`)."""
