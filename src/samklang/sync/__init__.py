"""Use cases over ports: observe -> plan -> apply -> record. Knows no protocol, no Django."""
