"""What a figure means and how it is read or changed: one file a subject, and the dataloaders.

Every function takes the database and a `Scope` first; whatever lies outside the scope does not exist for it.
"""
