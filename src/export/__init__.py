"""What goes out as files: runs and figures for spreadsheets, notebooks and warehouses.

resolvers (which runs, what a figure means) -> export (rows as CSV, JSON or Parquet, a piece at a time) -> web | cli
"""
