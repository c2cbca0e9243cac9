"""What comes in: run inputs are checked, completed, priced and written in one transaction.

RunInput -> check -> row -> writer (identity, COPY, agent state) or single (the same in one statement) -> Recorded
"""
