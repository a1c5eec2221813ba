"""A project with links alone: users without a name, and mails in a folder."""
