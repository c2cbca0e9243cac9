"""The dashboard: HTML pages rendered on the server from what the resolvers read, refreshed in parts by htmx.

request -> routes -> pages (who asks) -> a page module (context) -> rendering (template) -> response
"""
