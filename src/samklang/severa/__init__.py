"""What is kept of an organization's Severa between runs, in the database."""
