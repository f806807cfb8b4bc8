"""The organization's connection to Exchange, its users' mailboxes, and all we know of their entries."""
