"""The rule book in code: values in, values out, no clock and no I/O.

Reading order: `model` (the words), `times`, `recurrence`, `rrule` (what they mean), `canonical` and `htmltext` (what
counts as equal), `rules` (policies as values, and what they make of an entry on the other side), `changes` (base + seen
-> same, edited, gone), `decide` (the two-way table), `merge` (field by field), `actions` (what a plan consists of),
`linked` (what becomes of one link), `matching` and `newcomers` (first contact), `plan` (all of it in order, and the
brake), `explain` (why).
"""
