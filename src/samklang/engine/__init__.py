"""The rule book in code: values in, values out, no clock and no I/O.

Reading order: `model` (the words), `times` and `recurrence` (what they mean), `canonical` (what counts as equal),
`changes` (base + seen -> same, edited, gone), `matching` (first contact), `rules` (policies as values),
`decide` (the two-way table), `merge`, `plan` (ordered actions, brake, explanation).
"""
