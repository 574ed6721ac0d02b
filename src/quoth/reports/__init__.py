"""What is handed over: tables, figures, the report, the methods text, the package."""
