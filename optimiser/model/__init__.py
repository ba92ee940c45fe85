"""The problem itself: tables, compiled arrays, plan and checker. Knows no file and no solver."""
