"""Random people, random trouble, and a record of what was meant (docs/proof.md)."""
