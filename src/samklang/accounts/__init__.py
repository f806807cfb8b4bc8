"""Organizations and the people in them: users, roles, sign-in, personal access tokens, the audit trail."""
