"""Formicary records what LLM agents do and shows how well they do it.

write:  client -> schema | ingest -> PostgreSQL
read:   PostgreSQL -> resolvers -> schema (GraphQL) | web (HTML)
"""
